//! Whatever is sent to the gateway that should not be: each gets an error of its own, none has
//! the person in it, and no register hears of it.

use innsyn_policy::Clock as _;
use innsyn_proto::clock::SystemClock;
use innsyn_sim::country::Role;
use innsyn_sim::sts::Fault;
use rand::rngs::StdRng;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use super::federation::{Federation, list, spec_of_today};

mod peers;

const REGISTERS: [&str; 2] = ["kreft", "npr"];
const MOTHER: u32 = 0;
const FATHER: u32 = 1;

/// What is sent, and what must come of it.
struct Case {
    request: RequestBuilder,
    status: u16,
    reason: &'static str,
}

/// The digits with another one in place of the last.
fn mistyped(id: &str) -> String {
    let (before, last) = id.split_at(id.len() - 1);
    let other = (last.parse::<u8>().unwrap() + 1) % 10;
    format!("{before}{other}")
}

/// Every request that is bad by itself, all about `id` and with a good `token`.
fn bad_requests(federation: &Federation, id: &str, token: &str) -> Vec<Case> {
    let url = |path: &str| format!("{}{path}", federation.world.gateway_url());
    let request = |method, path: &str| {
        let request = federation.http.request(method, url(path));
        request.header("authorization", token)
    };
    let post = || request(Method::POST, "/v1/registrations");
    let with_id = |id: &str| post().json(&json!({ "nationalId": id }));
    let case = |status, reason, request| Case {
        request,
        status,
        reason,
    };
    let padding = " ".repeat(1 << 20);
    vec![
        case(400, "NATIONAL_ID_NOT_ELEVEN_DIGITS", with_id(&id[..10])),
        case(
            400,
            "NATIONAL_ID_NOT_ELEVEN_DIGITS",
            with_id(&format!("{id}0")),
        ),
        case(
            400,
            "NATIONAL_ID_NOT_ELEVEN_DIGITS",
            with_id(&format!("{}x", &id[..10])),
        ),
        case(400, "NATIONAL_ID_NOT_A_DATE", with_id("00000000000")),
        case(400, "NATIONAL_ID_CONTROL_DIGITS", with_id(&mistyped(id))),
        case(
            400,
            "BODY_NOT_JSON",
            post()
                .header("content-type", "application/json")
                .body(format!("nationalId={id}")),
        ),
        case(400, "BODY_NOT_UNDERSTOOD", post().json(&json!([id]))),
        case(
            400,
            "FIELD_UNKNOWN",
            post().json(&json!({ "nationalId": id, "fnr": id, id: 1 })),
        ),
        case(
            400,
            "DEADLINE_OUT_OF_BOUNDS",
            post().json(&json!({ "nationalId": id, "deadlineMs": 199 })),
        ),
        case(
            413,
            "BODY_TOO_LARGE",
            post().json(&json!({ "nationalId": id, "padding": padding })),
        ),
        case(
            415,
            "CONTENT_TYPE_NOT_JSON",
            post()
                .header("content-type", "application/x-www-form-urlencoded")
                .body(format!("nationalId={id}")),
        ),
        case(
            404,
            "NOT_FOUND",
            request(Method::GET, &format!("/v1/registrations/{id}")),
        ),
        case(
            405,
            "METHOD_NOT_ALLOWED",
            request(Method::GET, &format!("/v1/registrations?nationalId={id}")),
        ),
    ]
}

/// Everything of a response, headers and body, as text; and the body as JSON.
async fn whole(response: Response) -> (String, Value) {
    let headers = format!("{:?}", response.headers());
    let body = response.text().await.unwrap();
    let json = serde_json::from_str(&body).unwrap_or(Value::Null);
    (headers + &body, json)
}

#[tokio::test]
async fn bad_requests_get_errors_of_their_own_and_nobody_is_named() {
    let mut spec = spec_of_today(2_000, 1);
    spec.log_filter = "trace".to_owned();
    let federation = Federation::start(&spec, &REGISTERS).await;
    let good = federation.question(MOTHER, Role::Oneself);
    let id = good.national_id.clone();
    let token = good.authorization.to_str().unwrap().to_owned();
    let someone_else = federation.question(FATHER, Role::Oneself);
    let mut cases = bad_requests(&federation, &id, &token);

    // A good request with a bad token, with another person's token, and to a gateway that serves
    // real people.
    let with_token = |token: &str| {
        let url = format!("{}/v1/registrations", federation.world.gateway_url());
        let request = federation.http.post(url).header("authorization", token);
        request.json(&json!({ "nationalId": id }))
    };
    let now = SystemClock.now();
    let country = &federation.world.country;
    let asking = country.asking(MOTHER, Role::Oneself, None, now).unwrap();
    let mut random: StdRng = rand::make_rng();
    let sts = &federation.world.sts;
    let expired = sts.faulty_token(Fault::Expired, &asking.grant(), now, &mut random);
    cases.push(Case {
        request: with_token(&format!("Bearer {}", expired.unwrap())),
        status: 401,
        reason: "TOKEN_REFUSED",
    });
    cases.push(Case {
        request: with_token(someone_else.authorization.to_str().unwrap()),
        status: 403,
        reason: "SUBJECT_MISMATCH",
    });
    let gateway_folder = federation.world.folder.join("gateway");
    let in_production = |config: String| config.replace("\"test\"", "\"production\"");
    let (_production, address) = federation
        .another_gateway(&gateway_folder, in_production)
        .await;
    let request = federation
        .http
        .post(format!("http://{address}/v1/registrations"));
    cases.push(Case {
        request: request
            .header("authorization", &token)
            .json(&json!({ "nationalId": id })),
        status: 400,
        reason: "NATIONAL_ID_SYNTHETIC_IN_PRODUCTION",
    });

    for Case {
        request,
        status,
        reason,
    } in cases
    {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{reason}");
        let (text, problem) = whole(response).await;
        assert_eq!(problem["reason"], reason);
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{reason}");
        // The first nine digits say who it is, whatever comes after.
        assert!(!text.contains(&id[..9]), "{reason}");
        assert!(!text.contains(&id[2..]), "{reason}");
    }
    // The same over gRPC.
    let caller = federation.caller().await;
    let mut typo = good.clone();
    typo.national_id = mistyped(&id);
    let refused = list(&caller, &typo).await.unwrap_err();
    assert_eq!(refused, "NATIONAL_ID_CONTROL_DIGITS");

    for register in REGISTERS {
        assert_eq!(federation.uses(register).await, 0, "{register} was asked");
    }
    // A good one is asked about, so that the zeros above mean something.
    assert_eq!(list(&caller, &good).await.unwrap().summary.answered, 2);
    for register in REGISTERS {
        assert_eq!(federation.uses(register).await, 1);
    }
    nobody_is_in_the_logs(&federation, &[&id, &someone_else.national_id, &token]);
}

/// At `trace`, after all of this: who was refused why, and no digits or token of anybody.
fn nobody_is_in_the_logs(federation: &Federation, secrets: &[&str]) {
    let logs = federation.logs();
    assert_eq!(logs.len(), 3 + REGISTERS.len(), "relay, gateways, agents");
    for (path, text) in &logs {
        assert!(!text.is_empty(), "{}", path.display());
        for secret in secrets {
            assert!(!text.contains(&secret[2..]), "{}", path.display());
            assert!(
                !text.contains(&secret[..9]) || secret.starts_with("Bearer"),
                "{}",
                path.display()
            );
        }
    }
    let gateway = logs
        .iter()
        .find(|(path, _)| path.ends_with("gateway/log.txt"));
    let (_, gateway) = gateway.unwrap();
    for said in [
        "NATIONAL_ID_CONTROL_DIGITS",
        "SUBJECT_MISMATCH",
        "cause=\"expired\"",
    ] {
        assert!(gateway.contains(said), "{said} is not in the gateway's log");
    }
}
