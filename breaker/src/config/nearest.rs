//! What somebody may have meant who wrote a key that there is not.

/// The end of the sentence "unknown key; …".
pub(super) fn hint(key: &str, known: &[&str]) -> String {
    match nearest(key, known) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

/// The known key that is nearest, if one is near: a third of its letters may be wrong, and large or small does not
/// matter.
pub(super) fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let letters = lower(key);
    // A very long key is near to nothing, and would take long.
    if letters.len() > 100 {
        return None;
    }
    let near = known.iter().map(|known| (distance(&letters, &lower(known)), *known)).min()?;
    (near.0 <= near.1.len() / 3).then_some(near.1)
}

fn lower(key: &str) -> Vec<char> {
    key.chars().flat_map(char::to_lowercase).filter(|letter| !matches!(letter, '_' | '-' | ' ')).collect()
}

/// Letters to be added, left out, changed, or swapped with the next one, to make one word of the other.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, wanted) in other.iter().enumerate() {
            let changed = last[column] + usize::from(letter != wanted);
            let mut least = changed.min(last[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && one[row - 1] == *wanted && *letter == other[column - 1] {
                least = least.min(before_last[column - 1] + 1);
            }
            line.push(least);
        }
        before_last = std::mem::replace(&mut last, line);
    }
    last[other.len()]
}
