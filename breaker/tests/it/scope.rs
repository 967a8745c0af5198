//! The names of go-chassis, and that no two targets share one that should not.

use breaker::{Scope, Side, Target};
use proptest::prelude::*;

const SCOPES: [Scope; 4] = [Scope::Service, Scope::Instance, Scope::Api, Scope::InstanceApi];

fn target() -> Target<'static> {
    Target { service: "cart", endpoint: "web-1:80", schema: "items", operation: "list", ..Target::default() }
}

#[test]
fn the_names_are_those_of_go_chassis() {
    let names = SCOPES.map(|scope| scope.name(&target()));
    assert_eq!(
        names,
        [
            "Consumer.cart",
            "Consumer.cart.web-1:80",
            "Consumer.cart.items.list",
            "Consumer.cart.web-1:80.items.list"
        ]
    );
    let provider = Target { side: Side::Provider, ..target() };
    assert_eq!(Scope::Service.name(&provider), "Provider.cart");
    assert_eq!(SCOPES.map(Scope::as_str), ["service", "instance", "api", "instance-api"]);
    assert_eq!(Scope::default(), Scope::Api);
}

#[test]
fn what_is_not_known_widens_the_circuit() {
    let service = Target { service: "cart", ..Target::default() };
    assert_eq!(SCOPES.map(|scope| scope.name(&service)), ["Consumer.cart"; 4]);
    let no_api = Target { schema: "", operation: "", ..target() };
    assert_eq!(Scope::InstanceApi.name(&no_api), Scope::Instance.name(&no_api));
    let no_endpoint = Target { endpoint: "", ..target() };
    assert_eq!(Scope::InstanceApi.name(&no_endpoint), Scope::Api.name(&no_endpoint));
}

#[test]
fn half_an_api_is_not_the_other_half() {
    let schema = Target { operation: "", schema: "list", ..target() };
    let operation = Target { operation: "list", schema: "", ..target() };
    assert_eq!(Scope::Api.name(&schema), "Consumer.cart.list.");
    assert_eq!(Scope::Api.name(&operation), "Consumer.cart..list");
}

#[test]
fn a_dot_in_a_service_is_no_dot_between_parts() {
    let dotted = Target { service: "a.b", ..Target::default() };
    let instance = Target { service: "a", endpoint: "b", ..Target::default() };
    assert_ne!(Scope::Service.name(&dotted), Scope::Instance.name(&instance));
    assert_eq!(Scope::Service.name(&dotted), r"Consumer.a\.b");
}

#[test]
fn a_name_is_written_behind_what_is_there() {
    let mut name = "x/".to_owned();
    Scope::Service.write_name(&target(), &mut name);
    assert_eq!(name, "x/Consumer.cart");
}

#[test]
fn other_names_are_of_no_service() {
    for name in ["", "payment", "Consumer", "consumer.cart", "Consumers.cart"] {
        assert_eq!(Target::service_of(name), None, "{name:?}");
    }
}

#[derive(Debug, Clone)]
struct Parts {
    provider: bool,
    parts: [String; 4],
    scope: Scope,
}

impl Parts {
    fn target(&self) -> Target<'_> {
        let [service, endpoint, schema, operation] = self.parts.each_ref().map(String::as_str);
        let side = if self.provider { Side::Provider } else { Side::Consumer };
        Target { side, service, endpoint, schema, operation }
    }

    /// What the circuit is told: all that its name may depend on.
    fn reach(&self) -> (bool, &str, &str, &str, &str) {
        let [service, endpoint, schema, operation] = self.parts.each_ref().map(String::as_str);
        match self.scope {
            Scope::Service => (self.provider, service, "", "", ""),
            Scope::Instance => (self.provider, service, endpoint, "", ""),
            Scope::Api => (self.provider, service, "", schema, operation),
            Scope::InstanceApi => (self.provider, service, endpoint, schema, operation),
        }
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    // Few letters, so that parts often are alike; the two that are escaped among them.
    let part = r"[a.\\]{0,3}";
    let any_scope = prop::sample::select(SCOPES.to_vec());
    (any::<bool>(), [part, part, part, part], any_scope).prop_map(|(provider, parts, scope)| Parts {
        provider,
        parts,
        scope,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::times(20_000, 20)))]

    #[test]
    fn two_targets_share_a_name_only_if_they_share_a_circuit(one in parts(), other in parts()) {
        let (first, second) = (one.scope.name(&one.target()), other.scope.name(&other.target()));
        prop_assert_eq!(first == second, one.reach() == other.reach(), "{} {}", first, second);
    }

    #[test]
    fn a_name_tells_its_service(one in parts()) {
        let name = one.scope.name(&one.target());
        let (side, service) = Target::service_of(&name).expect("a name made by a scope");
        prop_assert_eq!((side, &*service), (one.target().side, one.target().service));
    }
}
