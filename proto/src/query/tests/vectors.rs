//! The test vectors of `proto/query.md`, so that document and code cannot part.

use super::*;

#[test]
fn the_documents_queries_have_the_documents_encodings_and_names() {
    let (_, section) = DOCUMENT.split_once("## Test vectors").unwrap();
    let vectors: Vec<_> = section.split("\n### ").skip(1).collect();
    assert_eq!(vectors.len(), 5);
    for vector in vectors {
        let title = vector.lines().next().unwrap();
        let query: Query = read("Query", blocks(vector, "textproto").next().unwrap());
        let query = checked(&query);

        let expected = blocks(vector, "text").next().unwrap();
        let is = format!(
            "encoding {}\nname     {}\n",
            hex::encode(query.encoding()),
            query.name()
        );

        assert_eq!(is, expected, "{title}");
        let again = Query::decode(query.encoding().as_slice()).unwrap();
        assert_eq!(&again, query.normal(), "{title}");
        assert_eq!(checked(&again), query, "{title}");
    }
}

#[test]
fn the_document_tells_the_limits_that_hold() {
    for told in [
        format!("1 to {CODES_MAX} codes"),
        format!("A code is 1 to {CODE_CHARACTERS_MAX} letters"),
        format!("at most {PREDICATES_MAX} leaves and is nested at most {NESTING_MAX} deep"),
        format!("Dimensions, at most {DIMENSIONS_MAX}:"),
        format!("Measures, 1 to {MEASURES_MAX}:"),
    ] {
        assert!(DOCUMENT.contains(&told), "{told}");
    }
}
