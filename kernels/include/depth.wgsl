// A workgroup of COLUMNS x DEPTH threads, where those below each other share the rows of a column. DEPTH is 1 on a CPU,
// where a thread that walks all its rows is the fastest, and nothing of this is called.
override COLUMNS: u32 = 64u; // a power of two, as DEPTH
override DEPTH: u32 = 1u;
override THREADS: u32 = 64u; // COLUMNS · DEPTH

var<workgroup> piled: array<Value, THREADS>;

// Leaves in piled[lane], for the uppermost, whose lane is less than COLUMNS, the sum over the threads below it, in a
// fixed order.
fn sum_depth(own: Value, lane: u32) {
  piled[lane] = own;
  workgroupBarrier();
  for (var live = THREADS / 2u; live >= COLUMNS; live = live / 2u) {
    if (lane < live) {
      piled[lane] += piled[lane + live];
    }
    workgroupBarrier();
  }
}
