//! Faults on purpose: some requests are answered `502` after their document was saved.

use crate::settings::Faults;

impl Faults {
    /// Whether the request at hand is to fail. None at 0 %, all at 100 %.
    pub(crate) fn strike(&self) -> bool {
        self.inject_err && rand::random_range(0..100) < self.inject_err_percent
    }
}
