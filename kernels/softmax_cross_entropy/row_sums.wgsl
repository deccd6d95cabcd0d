// The stable log-sum-exp of a row x[start .. start + classes): log Σ exp(x_k) = max + log Σ exp(x_k − max).
alias Value = f32;
alias Bits = u32; // as include/numbers.wgsl wants it

//!include ../include/numbers.wgsl
//!include ../include/logarithm.wgsl

struct RowSums {
  largest: f32,
  sum: f32, // Σ exp(x_k − largest), at least 1
}

fn row_sums(start: u32, classes: u32) -> RowSums {
  var largest = x[start];
  for (var k = 1u; k < classes; k++) {
    largest = larger(largest, x[start + k]);
  }
  var sum = 0.0;
  for (var k = 0u; k < classes; k++) {
    sum += exponential(x[start + k] - largest);
  }
  return RowSums(largest, sum);
}
