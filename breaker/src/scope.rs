//! How far a circuit reaches: which calls share one, told by its name.
//!
//! go-chassis' four scopes and its names, with one cure: there a service `a.b` and the instance `b` of a service `a`
//! share a circuit, because a dot in a part looks like one between parts.

use std::borrow::Cow;
use std::fmt;

/// Which calls share a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scope {
    /// All calls to a service. `Consumer.cart`
    Service,
    /// All calls to one instance of a service. `Consumer.cart.web-1:8080`
    Instance,
    /// All calls of one operation of a service. `Consumer.cart.items.list`. The default, as in go-chassis.
    #[default]
    Api,
    /// All calls of one operation of one instance. `Consumer.cart.web-1:8080.items.list`
    InstanceApi,
}

/// Which side of a call a circuit stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Side {
    /// It guards the calls that this process makes. The default.
    #[default]
    Consumer,
    /// It guards the calls that this process answers.
    Provider,
}

/// Where a call goes. What is not known is left empty.
///
/// ```
/// use breaker::{Scope, Target};
///
/// let target = Target { service: "cart", schema: "items", operation: "list", ..Target::default() };
/// assert_eq!(Scope::Api.name(&target), "Consumer.cart.items.list");
/// assert_eq!(Scope::Service.name(&target), "Consumer.cart");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Target<'a> {
    /// Which side the circuit stands on.
    pub side: Side,
    /// The name of the service that is called.
    pub service: &'a str,
    /// The address of the instance, known once a load balancer has chosen one.
    pub endpoint: &'a str,
    /// The group of operations: a schema, a controller, a resource.
    pub schema: &'a str,
    /// The operation: a method, a route.
    pub operation: &'a str,
}

impl Scope {
    /// The name of the circuit for a call: `side.service[.endpoint][.schema.operation]`.
    ///
    /// Two targets that differ in a part that the scope looks at never get the same name, nor do two of different
    /// reach: a dot within a part is written `\.` and a backslash `\\`.
    ///
    /// A scope cannot tell apart what it is not told: without an endpoint, `Instance` names as `Service` does and
    /// `InstanceApi` as `Api`; with neither schema nor operation, `Api` names as `Service` and `InstanceApi` as
    /// `Instance`. So such calls share the circuit of what is known of them. Where only one of schema and operation is
    /// there, the other is written as an empty part.
    ///
    /// ```
    /// use breaker::{Scope, Target};
    ///
    /// let target = Target { service: "shop.cart", endpoint: "10.0.0.7:80", ..Target::default() };
    /// assert_eq!(Scope::Instance.name(&target), r"Consumer.shop\.cart.10\.0\.0\.7:80");
    /// assert_eq!(Scope::Api.name(&target), r"Consumer.shop\.cart");
    /// ```
    #[must_use]
    pub fn name(self, target: &Target<'_>) -> String {
        let mut name = String::new();
        self.write_name(target, &mut name);
        name
    }

    /// As [`name`](Self::name), at the end of a string that is there already: for who looks circuits up often.
    pub fn write_name(self, target: &Target<'_>, name: &mut String) {
        let Target { side, service, endpoint, schema, operation } = *target;
        let endpoint = if self.is_of_instance() { endpoint } else { "" };
        let (schema, operation) = if self.is_of_api() { (schema, operation) } else { ("", "") };
        name.reserve(service.len() + endpoint.len() + schema.len() + operation.len() + 12);
        name.push_str(side.name());
        push_part(name, service);
        if !endpoint.is_empty() {
            push_part(name, endpoint);
        }
        if !schema.is_empty() || !operation.is_empty() {
            push_part(name, schema);
            push_part(name, operation);
        }
    }

    /// go-chassis' word for it: `service`, `instance`, `api` or `instance-api`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Instance => "instance",
            Self::Api => "api",
            Self::InstanceApi => "instance-api",
        }
    }

    fn is_of_instance(self) -> bool {
        matches!(self, Self::Instance | Self::InstanceApi)
    }

    fn is_of_api(self) -> bool {
        matches!(self, Self::Api | Self::InstanceApi)
    }
}

impl Side {
    /// `Consumer` or `Provider`: the beginning of the names of its circuits.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Consumer => "Consumer",
            Self::Provider => "Provider",
        }
    }
}

impl<'a> Target<'a> {
    /// The side and the service that a name made by a [`Scope`] is of; `None` for another name.
    ///
    /// ```
    /// use breaker::{Side, Target};
    ///
    /// let (side, service) = Target::service_of(r"Provider.shop\.cart.items.list").unwrap();
    /// assert_eq!((side, &*service), (Side::Provider, "shop.cart"));
    /// assert!(Target::service_of("payment").is_none());
    /// ```
    #[must_use]
    pub fn service_of(name: &'a str) -> Option<(Side, Cow<'a, str>)> {
        let (side, rest) = name.split_once('.')?;
        let side = [Side::Consumer, Side::Provider].into_iter().find(|known| known.name() == side)?;
        Some((side, first_part(rest)))
    }
}

fn push_part(name: &mut String, part: &str) {
    name.push('.');
    for piece in part.split_inclusive(['.', '\\']) {
        match piece.strip_suffix(['.', '\\']) {
            Some(before) => {
                name.push_str(before);
                name.push('\\');
                name.push_str(&piece[before.len()..]);
            }
            None => name.push_str(piece),
        }
    }
}

/// What stands before the first dot between parts, as it was before it was written into a name.
fn first_part(rest: &str) -> Cow<'_, str> {
    let end = rest.find(['.', '\\']).unwrap_or(rest.len());
    if !rest[end..].starts_with('\\') {
        return Cow::Borrowed(&rest[..end]);
    }
    let mut part = String::new();
    let mut letters = rest.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '.' => break,
            '\\' => part.extend(letters.next()),
            letter => part.push(letter),
        }
    }
    Cow::Owned(part)
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
