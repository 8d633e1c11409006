//! The inner layer: signed by one party (`SignedData`).

use std::time::Duration;

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PKCS1_SHA256, RsaParameters, UnparsedPublicKey,
};
use cms::cert::CertificateChoices;
use cms::cert::x509::attr::Attribute;
use cms::cert::x509::der::asn1::{Any, Null, ObjectIdentifier, OctetString, SetOfVec, UtcTime};
use cms::cert::x509::der::oid::db::rfc5911::{
    ID_CONTENT_TYPE, ID_DATA, ID_MESSAGE_DIGEST, ID_SIGNED_DATA, ID_SIGNING_TIME,
};
use cms::cert::x509::der::oid::db::rfc5912::{
    ID_SHA_256, ID_SHA_384, ID_SHA_512, RSA_ENCRYPTION, SHA_256_WITH_RSA_ENCRYPTION,
    SHA_384_WITH_RSA_ENCRYPTION, SHA_512_WITH_RSA_ENCRYPTION,
};
use cms::cert::x509::der::{self, Decode as _, Encode as _, Tag, Tagged as _};
use cms::cert::x509::spki::AlgorithmIdentifierOwned;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{
    CertificateSet, EncapsulatedContentInfo, SignedAttributes, SignedData, SignerIdentifier,
    SignerInfo, SignerInfos,
};
use innsyn_policy::Timestamp;
use zeroize::Zeroizing;

use super::{Certificate, OpenError, SealError, SigningKey};

pub(super) fn sign(
    content: &[u8],
    signer: &SigningKey,
    now: Timestamp,
) -> Result<Vec<u8>, SealError> {
    let attributes = attributes(content, now).map_err(|_| SealError)?;
    let covered = attributes.to_der().map_err(|_| SealError)?;
    let mut signature = vec![0; signer.key.public_modulus_len()];
    signer
        .key
        .sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            &covered,
            &mut signature,
        )
        .map_err(|_| SealError)?;
    signed_data(content, signer, attributes, signature).map_err(|_| SealError)
}

fn attributes(content: &[u8], now: Timestamp) -> der::Result<SignedAttributes> {
    let digest = digest::digest(&SHA256, content);
    let seconds = u64::try_from(now.as_seconds()).unwrap_or_default();
    let now = UtcTime::from_unix_duration(Duration::from_secs(seconds))?;
    let attribute = |oid, value: Any| -> der::Result<Attribute> {
        let values = SetOfVec::try_from(vec![value])?;
        Ok(Attribute { oid, values })
    };
    SetOfVec::try_from(vec![
        attribute(ID_CONTENT_TYPE, Any::encode_from(&ID_DATA)?)?,
        attribute(ID_SIGNING_TIME, Any::encode_from(&now)?)?,
        attribute(
            ID_MESSAGE_DIGEST,
            Any::encode_from(&OctetString::new(digest.as_ref())?)?,
        )?,
    ])
}

fn signed_data(
    content: &[u8],
    signer: &SigningKey,
    attributes: SignedAttributes,
    signature: Vec<u8>,
) -> der::Result<Vec<u8>> {
    let sha256 = AlgorithmIdentifierOwned {
        oid: ID_SHA_256,
        parameters: None,
    };
    let certificate = signer.certificate.inner().clone();
    let data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::try_from(vec![sha256.clone()])?,
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: ID_DATA,
            econtent: Some(Any::encode_from(&OctetString::new(content)?)?),
        },
        certificates: Some(CertificateSet::try_from(vec![
            CertificateChoices::Certificate(certificate),
        ])?),
        crls: None,
        signer_infos: SignerInfos::try_from(vec![SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(signer.certificate.name()),
            digest_alg: sha256,
            signed_attrs: Some(attributes),
            signature_algorithm: AlgorithmIdentifierOwned {
                oid: RSA_ENCRYPTION,
                parameters: Some(Any::encode_from(&Null)?),
            },
            signature: OctetString::new(signature)?,
            unsigned_attrs: None,
        }])?,
    };
    ContentInfo {
        content_type: ID_SIGNED_DATA,
        content: Any::encode_from(&data)?,
    }
    .to_der()
}

/// What was signed, if one of `signers` did.
pub(super) fn verify(
    signed: &[u8],
    signers: &[&Certificate],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let info = ContentInfo::from_der(signed).map_err(|_| OpenError)?;
    if info.content_type != ID_SIGNED_DATA {
        return Err(OpenError);
    }
    let signed: SignedData = info.content.decode_as().map_err(|_| OpenError)?;
    let content = signed.encap_content_info;
    let bytes = content.econtent.ok_or(OpenError)?;
    if bytes.tag() != Tag::OctetString || content.econtent_type != ID_DATA {
        return Err(OpenError);
    }
    let infos = &signed.signer_infos.0;
    let (1, Some(by)) = (infos.len(), infos.get(0)) else {
        return Err(OpenError);
    };
    let certificate = signers.iter().find(|known| is_by(&by.sid, known));
    let certificate = certificate.ok_or(OpenError)?;
    check(by, bytes.value(), certificate).ok_or(OpenError)?;
    Ok(Zeroizing::new(bytes.value().to_vec()))
}

fn is_by(signer: &SignerIdentifier, certificate: &Certificate) -> bool {
    match signer {
        SignerIdentifier::IssuerAndSerialNumber(name) => *name == certificate.name(),
        SignerIdentifier::SubjectKeyIdentifier(identifier) => {
            certificate.key_identifier().as_ref() == Some(identifier)
        }
    }
}

/// Checks one signature over `content`.
fn check(signer: &SignerInfo, content: &[u8], certificate: &Certificate) -> Option<()> {
    let (hash, with_rsa, rsa) = match signer.digest_alg.oid {
        ID_SHA_256 => (
            &SHA256,
            SHA_256_WITH_RSA_ENCRYPTION,
            &RSA_PKCS1_2048_8192_SHA256,
        ),
        ID_SHA_384 => (
            &SHA384,
            SHA_384_WITH_RSA_ENCRYPTION,
            &RSA_PKCS1_2048_8192_SHA384,
        ),
        ID_SHA_512 => (
            &SHA512,
            SHA_512_WITH_RSA_ENCRYPTION,
            &RSA_PKCS1_2048_8192_SHA512,
        ),
        _ => return None,
    };
    let rsa: &'static RsaParameters = rsa;
    let algorithm = signer.signature_algorithm.oid;
    if algorithm != RSA_ENCRYPTION && algorithm != with_rsa {
        return None;
    }
    let covered = match &signer.signed_attrs {
        None => Zeroizing::new(content.to_vec()),
        Some(attributes) => {
            let digest = digest::digest(hash, content);
            let said = one(attributes, ID_MESSAGE_DIGEST)?;
            let kind = one(attributes, ID_CONTENT_TYPE)?;
            let kind: ObjectIdentifier = kind.decode_as().ok()?;
            let is_digest = said.tag() == Tag::OctetString && said.value() == digest.as_ref();
            if !is_digest || kind != ID_DATA {
                return None;
            }
            Zeroizing::new(attributes.to_der().ok()?)
        }
    };
    let key = UnparsedPublicKey::new(rsa, certificate.key_bits());
    key.verify(&covered, signer.signature.as_bytes()).ok()
}

/// The one value of the one attribute called `oid`.
fn one(attributes: &SignedAttributes, oid: ObjectIdentifier) -> Option<&Any> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == oid);
    let (Some(attribute), None) = (found.next(), found.next()) else {
        return None;
    };
    let (1, value) = (attribute.values.len(), attribute.values.get(0)?) else {
        return None;
    };
    Some(value)
}
