// The stable log-sum-exp of a row x[start .. start + classes]: log Σ exp(x_k) = max + log Σ exp(x_k − max).
// A thread owns a row, or 64 threads share it, which then are a workgroup.
alias Value = f32;
alias Bits = u32; // as include/numbers.wgsl wants it

override ROW_THREADS: u32 = 1u; // threads of a row: 1, or 64

//!include ../include/numbers.wgsl
//!include ../include/logarithm.wgsl

// What a thread owns: classes first, first + ROW_THREADS, ... of a row. Beyond the last row it goes through that one in
// vain, because all threads meet at barriers, and writes nothing: `end` is 0.
struct Row {
  number: u32,
  start: u32,
  first: u32,
  end: u32,
}

fn row_of(group: u32, lane: u32) -> Row {
  let row = group * (64u / ROW_THREADS) + lane / ROW_THREADS;
  let number = min(row, params.rows - 1u);
  var end = params.classes;
  if (row >= params.rows) {
    end = 0u;
  }
  return Row(number, number * params.classes, lane % ROW_THREADS, end);
}

var<workgroup> piled: array<f32, 64>;

// Leaves the largest number of the threads in piled[0].
fn largest_of_threads(own: f32, lane: u32) {
  piled[lane] = own;
  workgroupBarrier();
  for (var live = 32u; live > 0u; live = live / 2u) {
    if (lane < live) {
      piled[lane] = larger(piled[lane], piled[lane + live]);
    }
    workgroupBarrier();
  }
}

// Leaves their sum in piled[0], added up in a fixed order.
fn sum_threads(own: f32, lane: u32) {
  workgroupBarrier(); // nobody reads what was piled before
  piled[lane] = own;
  workgroupBarrier();
  for (var live = 32u; live > 0u; live = live / 2u) {
    if (lane < live) {
      piled[lane] += piled[lane + live];
    }
    workgroupBarrier();
  }
}

var<private> row_largest: f32 = 0.0;
var<private> row_sum: f32 = 0.0; // Σ exp(x_k − row_largest), at least 1

// Finds both for a row.
fn sum_row(row: Row, lane: u32) {
  row_largest = x[row.start];
  for (var k = row.first; k < params.classes; k += ROW_THREADS) {
    row_largest = larger(row_largest, x[row.start + k]);
  }
  if (ROW_THREADS != 1u) {
    largest_of_threads(row_largest, lane);
    row_largest = piled[0];
  }
  row_sum = 0.0;
  for (var k = row.first; k < params.classes; k += ROW_THREADS) {
    row_sum += exponential(x[row.start + k] - row_largest);
  }
  if (ROW_THREADS != 1u) {
    sum_threads(row_sum, lane);
    row_sum = piled[0];
  }
}
