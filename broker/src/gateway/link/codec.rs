//! Sends requests that are encoded already, and reads `AskResponse`.

use bytes::{BufMut as _, Bytes};
use innsyn_proto::wire::node::v1::AskResponse;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, EncodeBuf, Encoder};
use tonic_prost::ProstDecoder;

/// A question is encoded once and travels on every link; so a batch is bytes before it gets here.
#[derive(Debug, Default)]
pub(super) struct AskCodec;

#[derive(Debug, Default)]
pub(super) struct Encoded;

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, batch: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(batch);
        Ok(())
    }
}

impl Codec for AskCodec {
    type Encode = Bytes;
    type Decode = AskResponse;
    type Encoder = Encoded;
    type Decoder = ProstDecoder<AskResponse>;

    fn encoder(&mut self) -> Encoded {
        Encoded
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(BufferSettings::default())
    }
}
