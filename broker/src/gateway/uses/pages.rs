//! Fetches all pages of one register's log about a person.

use innsyn_proto::wire::node::v1 as node;
use innsyn_proto::wire::node::v1::uses_service_client::UsesServiceClient;
use tonic::Status;
use tonic::transport::Channel;

/// Pages of one reading; of more, the last says where it goes on.
const PAGES_MAX: usize = 50;

/// The pages of one reading.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// At least one, which has the head.
    pub(super) pages: Vec<node::ListUsesResponse>,
}

/// Asks for one page after the other, until there are no more.
pub(super) async fn read_pages(
    channel: Channel,
    first: node::ListUsesRequest,
) -> Result<Pages, Status> {
    let mut client = UsesServiceClient::new(channel);
    let mut read = Pages::default();
    let mut request = first.clone();
    loop {
        let page = client.list_uses(request).await?.into_inner();
        let continued = page.continued;
        read.pages.push(page);
        let Some(continued) = continued else {
            return Ok(read);
        };
        if read.pages.len() >= PAGES_MAX {
            return Ok(read);
        }
        request = node::ListUsesRequest {
            continued: Some(continued),
            known_sizes: Vec::new(),
            ..first.clone()
        };
    }
}
