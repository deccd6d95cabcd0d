// One number of two, by FOLD: 1 the larger, 2 the smaller, 3 the product.
override FOLD: u32 = 1u;

fn fold_two(a: Value, b: Value) -> Value {
  if (FOLD == 1u) {
    return larger(a, b);
  }
  if (FOLD == 2u) {
    return smaller(a, b);
  }
  return a * b;
}

// What changes no number that it is folded with.
fn neutral() -> Value {
  if (FOLD == 3u) {
    return Value(1.0);
  }
  var infinity = Bits(0x7f800000u); // a variable: WGSL has no constant Infinity
  return select(bitcast<Value>(infinity), -bitcast<Value>(infinity), FOLD == 1u);
}
