//! Which code rows are in the order of.

use innsyn_proto::wire::research::v1 as wire;
use wire::variable::Type;
use wire::{Variable, View};

use super::groups::event_code;

fn code(name: &str, of_person: bool, levels: &[u32]) -> Variable {
    let code = wire::Code {
        level_characters: levels.to_vec(),
        ..wire::Code::default()
    };
    Variable {
        name: name.to_owned(),
        of_person,
        r#type: Some(Type::Code(code)),
        ..Variable::default()
    }
}

fn of(variables: &[Variable]) -> Option<String> {
    let view = View {
        variables: variables.to_vec(),
        ..View::default()
    };
    event_code(&view).map(str::to_owned)
}

#[test]
fn the_events_code_is_the_first_of_several_levels_that_is_not_the_persons() {
    let region = code("region", true, &[2, 4]);
    let ward = code("ward", false, &[]);
    let county = code("county", false, &[2]);
    let (icd, atc) = (code("icd", false, &[1, 3]), code("atc", false, &[1, 3, 5]));
    let date = Variable {
        name: "date".to_owned(),
        r#type: Some(Type::Date(wire::Date {})),
        ..Variable::default()
    };
    let all = [date.clone(), region.clone(), ward.clone(), icd, atc];
    assert_eq!(of(&all).as_deref(), Some("icd"));
    assert_eq!(of(&[ward, county]).as_deref(), Some("ward"));
    assert_eq!(of(&[date, region]), None);
}
