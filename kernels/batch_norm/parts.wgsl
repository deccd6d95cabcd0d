// What a product left in parts is added up where batch norm reads it, in their order, and written on the way:
//   whole[i] = Σ_p pieces[p, i], and residual[i] added where ADDED
// That is what matmul_parts.wgsl would have written. To be called once for each i. Who includes this says where these
// are bound, and includes half.wgsl.
alias Whole = Value; // how these are stored: Values, or as f16
alias Residual = Value;

override ADDED: u32 = 0;

// As it is stored.
fn added_up(i: u32) -> Value {
  let size = params.samples * params.rows * params.channels;
  var sum = Value(0.0);
  for (var p = 0u; p < params.pieces; p++) {
    sum += pieces[p * size + i];
  }
  if (ADDED == 1u) {
    sum += Value(residual[i]);
  }
  let stored = Whole(storable(sum));
  whole[i] = stored;
  return Value(stored);
}
