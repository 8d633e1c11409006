//! Queries told in both languages. The snapshots are read by people who speak them.

use super::*;

fn told(query: &Query) -> String {
    let query = checked(query);
    [Language::English, Language::Bokmal]
        .map(|language| query.words(language))
        .join("\n\n")
}

#[test]
fn the_documents_queries_are_told_in_words() {
    let (_, section) = DOCUMENT.split_once("## Test vectors").unwrap();
    let all: Vec<_> = section
        .split("\n### ")
        .skip(1)
        .map(|vector| {
            let title = vector.lines().next().unwrap();
            let query = read("Query", blocks(vector, "textproto").next().unwrap());
            format!("## {title}\n\n{}\n", told(&query))
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn every_kind_of_condition_is_told_in_words() {
    let comparisons: Vec<_> = ["LESS", "LESS_OR_EQUAL", "GREATER", "GREATER_OR_EQUAL"]
        .map(|operator| {
            format!(
                "of {{ comparison {{ variable: 'cost' operator: OPERATOR_{operator} \
                 literal {{ real: 1234.5 }} }} }}"
            )
        })
        .into();
    let query = counting(
        "stays",
        &format!(
            "population {{ any {{
               of {{ all {{
                 of {{ comparison {{ variable: 'birth_year' operator: OPERATOR_EQUAL
                   literal {{ integer: 1950 }} }} }}
                 of {{ dates {{ variable: 'died' from_month: 564 until_month: 565 }} }}
               }} }}
               of {{ dates {{ variable: 'died' from_month: 564 until_month: 576 }} }}
               of {{ dates {{ variable: 'died' until_month: -11 }} }}
               of {{ dates {{ variable: 'died' from_month: 564 }} }}
               of {{ events {{ view: 'prescriptions' at_least: 2 where {{
                 codes {{ variable: 'drug' codes: ['N02', 'A10BA02'] with_descendants: true }}
               }} }} }}
             }} }}
             rows {{ pick: PICK_LAST where {{ all {{
               {}
               of {{ codes {{ variable: 'diagnosis' codes: 'I21' with_descendants: true }} }}
               of {{ not {{ codes {{ variable: 'ward' codes: ['A', 'B'] }} }} }}
             }} }} }}
             dimensions {{ code {{ variable: 'diagnosis' }} }}
             dimensions {{ code {{ variable: 'diagnosis' level: 1 }} }}
             dimensions {{ date {{ variable: 'died' period: PERIOD_MONTH }} }}
             measures {{ variance: 'cost' }}",
            comparisons.join("\n")
        ),
    );
    insta::assert_snapshot!(told(&query));
}

#[test]
fn what_has_no_label_is_told_by_its_name() {
    let mut views = catalogue();
    for view in &mut views {
        view.label_nb.clear();
        view.label_en.clear();
    }
    let query = counting("stays", "measures { histogram { variable: 'x' } }");
    assert!(check(&query, &views).is_err());
    let query = check(&counting("stays", ""), &views).unwrap();
    assert!(
        query
            .words(Language::English)
            .starts_with("Data: stays, from every")
    );
}
