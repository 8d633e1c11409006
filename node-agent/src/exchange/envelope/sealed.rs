//! The outer layer: encrypted to one recipient (`EnvelopedData`).

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{Pkcs1PublicEncryptingKey, PublicEncryptingKey};
use cms::cert::x509::der::asn1::{Any, Null, OctetString, SetOfVec};
use cms::cert::x509::der::oid::db::rfc5911::{ID_AES_256_CBC, ID_DATA, ID_ENVELOPED_DATA};
use cms::cert::x509::der::oid::db::rfc5912::RSA_ENCRYPTION;
use cms::cert::x509::der::{Decode as _, Encode as _, Tag, Tagged as _};
use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    EncryptedContentInfo, EnvelopedData, KeyTransRecipientInfo, RecipientIdentifier, RecipientInfo,
    RecipientInfos,
};
use rand::CryptoRng;
use zeroize::Zeroizing;

use super::{Certificate, DecryptionKey, OpenError, SealError};

const KEY_BYTES: usize = 32;
const IV_BYTES: usize = 16;
/// The most recipients that are looked through.
const RECIPIENTS_MAX: usize = 16;

pub(super) fn encrypt(
    content: &[u8],
    recipient: &Certificate,
    random: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    random.fill_bytes(&mut *key);
    let mut iv = [0; IV_BYTES];
    random.fill_bytes(&mut iv);
    let mut encrypted = content.to_vec();
    let cipher = UnboundCipherKey::new(&AES_256, &*key).map_err(|_| SealError)?;
    let with = EncryptionContext::Iv128(FixedLength::from(iv));
    PaddedBlockEncryptingKey::cbc_pkcs7(cipher)
        .and_then(|cipher| cipher.less_safe_encrypt(&mut encrypted, with))
        .map_err(|_| SealError)?;
    let wrapped = wrap(&*key, recipient).ok_or(SealError)?;
    envelope(encrypted, iv, wrapped, recipient).map_err(|_| SealError)
}

fn wrap(key: &[u8], recipient: &Certificate) -> Option<Vec<u8>> {
    let public = PublicEncryptingKey::from_der(&recipient.key_info()?).ok()?;
    let public = Pkcs1PublicEncryptingKey::new(public).ok()?;
    let mut wrapped = vec![0; public.ciphertext_size()];
    let length = public.encrypt(key, &mut wrapped).ok()?.len();
    wrapped.truncate(length);
    Some(wrapped)
}

fn envelope(
    encrypted: Vec<u8>,
    iv: [u8; IV_BYTES],
    wrapped: Vec<u8>,
    recipient: &Certificate,
) -> Result<Vec<u8>, cms::cert::x509::der::Error> {
    let recipient = RecipientInfo::Ktri(KeyTransRecipientInfo {
        version: CmsVersion::V0,
        rid: RecipientIdentifier::IssuerAndSerialNumber(recipient.name()),
        key_enc_alg: AlgorithmIdentifierOwned {
            oid: RSA_ENCRYPTION,
            parameters: Some(Any::encode_from(&Null)?),
        },
        enc_key: OctetString::new(wrapped)?,
    });
    let enveloped = EnvelopedData {
        version: CmsVersion::V0,
        originator_info: None,
        recip_infos: RecipientInfos(SetOfVec::try_from(vec![recipient])?),
        encrypted_content: EncryptedContentInfo {
            content_type: ID_DATA,
            content_enc_alg: AlgorithmIdentifierOwned {
                oid: ID_AES_256_CBC,
                parameters: Some(Any::encode_from(&OctetString::new(iv)?)?),
            },
            encrypted_content: Some(OctetString::new(encrypted)?),
        },
        unprotected_attrs: None,
    };
    ContentInfo {
        content_type: ID_ENVELOPED_DATA,
        content: Any::encode_from(&enveloped)?,
    }
    .to_der()
}

pub(super) fn decrypt(
    envelope: &[u8],
    keys: &[DecryptionKey],
    random: &mut impl CryptoRng,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let info = ContentInfo::from_der(envelope).map_err(|_| OpenError)?;
    if info.content_type != ID_ENVELOPED_DATA {
        return Err(OpenError);
    }
    let enveloped: EnvelopedData = info.content.decode_as().map_err(|_| OpenError)?;
    let content = enveloped.encrypted_content;
    let iv = initial_vector(&content.content_enc_alg).ok_or(OpenError)?;
    let encrypted = content.encrypted_content.ok_or(OpenError)?;

    let mut substitute = Zeroizing::new([0; KEY_BYTES]);
    random.fill_bytes(&mut *substitute);
    let key = unwrap(&enveloped.recip_infos, keys).unwrap_or(substitute);
    let mut plain = Zeroizing::new(encrypted.as_bytes().to_vec());
    let cipher = UnboundCipherKey::new(&AES_256, &*key).map_err(|_| OpenError)?;
    let length = PaddedBlockDecryptingKey::cbc_pkcs7(cipher)
        .and_then(|cipher| {
            let with = DecryptionContext::Iv128(FixedLength::from(iv));
            cipher.decrypt(&mut plain, with).map(|plain| plain.len())
        })
        .map_err(|_| OpenError)?;
    plain.truncate(length);
    Ok(plain)
}

/// The initial vector of AES-256-CBC; `None` for every other algorithm.
fn initial_vector(algorithm: &AlgorithmIdentifierOwned) -> Option<[u8; IV_BYTES]> {
    if algorithm.oid != ID_AES_256_CBC {
        return None;
    }
    let parameters = algorithm.parameters.as_ref()?;
    if parameters.tag() != Tag::OctetString {
        return None;
    }
    parameters.value().try_into().ok()
}

/// The key of the content, if it is wrapped for one of `keys`.
fn unwrap(
    recipients: &RecipientInfos,
    keys: &[DecryptionKey],
) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let recipients = recipients.0.iter().take(RECIPIENTS_MAX);
    let (recipient, ours) = recipients
        .filter_map(|recipient| match recipient {
            RecipientInfo::Ktri(recipient) => Some(recipient),
            _ => None,
        })
        .find_map(|recipient| {
            let ours = keys.iter().find(|key| is_for(&recipient.rid, key))?;
            Some((recipient, ours))
        })?;
    if recipient.key_enc_alg.oid != RSA_ENCRYPTION {
        return None;
    }
    let mut unwrapped = Zeroizing::new(vec![0; ours.key.min_output_size()]);
    let wrapped = recipient.enc_key.as_bytes();
    let key: &[u8] = ours.key.decrypt(wrapped, &mut unwrapped).ok()?;
    key.try_into().ok().map(Zeroizing::new)
}

fn is_for(recipient: &RecipientIdentifier, key: &DecryptionKey) -> bool {
    match recipient {
        RecipientIdentifier::IssuerAndSerialNumber(name) => *name == key.certificate.name(),
        RecipientIdentifier::SubjectKeyIdentifier(identifier) => {
            key.certificate.key_identifier().as_ref() == Some(identifier)
        }
    }
}
