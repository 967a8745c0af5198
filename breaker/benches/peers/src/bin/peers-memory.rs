//! The same calls under an allocator that counts. A program of its own: counting costs time.

use peers::memory::Usage;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    peers::memory::main(|| {
        let stats = ALLOCATOR.stats();
        Usage {
            allocations: stats.allocations + stats.reallocations,
            bytes: stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated),
        }
    });
}
