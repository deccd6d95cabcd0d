// |x[i] - centre[c]|², summed over the columns in their order.
fn squared_distance(i: u32, c: u32) -> f32 {
  var sum = 0.0;
  for (var j = 0u; j < params.d; j++) {
    let difference = x[i * params.d + j] - centre[c * params.d + j];
    sum += difference * difference;
  }
  return sum;
}
