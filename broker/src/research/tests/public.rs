//! The public catalogue, over the gateway's own port.

use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::world::*;
use crate::research::router;

async fn get(world: &World, accept: &str) -> (StatusCode, String, String) {
    let request = Request::get("/v1/catalogue").header(header::ACCEPT, accept);
    let routes = router(world.face.clone());
    let response = routes
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (parts, body) = response.into_parts();
    let media_type = parts.headers[header::CONTENT_TYPE].to_str().unwrap();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (parts.status, media_type.to_owned(), body)
}

#[tokio::test]
async fn the_catalogue_needs_no_token_and_comes_as_it_is_wanted() {
    let world = World::new().await;
    for media_type in ["text/turtle", "application/ld+json"] {
        let (status, told, body) = get(&world, media_type).await;
        assert_eq!((status, told.as_str()), (StatusCode::OK, media_type));
        for dataset in ["nord.persons", "vest.stays"] {
            let name = format!("https://forsking.example/v1/catalogue#{dataset}");
            assert!(body.contains(&name), "{body}");
        }
        assert!(!body.contains(KARI));
    }
    let (status, _, told) = get(&world, "text/html").await;
    assert_eq!(status, StatusCode::NOT_ACCEPTABLE);
    assert!(told.contains("text/turtle"), "{told}");
    // A call without a token gets no further than this.
    assert_eq!(world.asked(), 0);
}
