// Philox4x32-10, the counter-based generator of Salmon et al. 2011 ("Parallel random numbers: as easy as 1, 2, 3",
// section 4.3): four numbers of 32 random bits from a counter of 128 bits and a key of 64, by integer arithmetic that
// is the same on every adapter.

// The high half of a 64-bit product, from 16-bit halves: WGSL has no wide multiplication.
fn multiply_high(a: u32, b: u32) -> u32 {
  let aLow = a & 0xffffu;
  let aHigh = a >> 16u;
  let bLow = b & 0xffffu;
  let bHigh = b >> 16u;
  let middle = aHigh * bLow + ((aLow * bLow) >> 16u);
  let carried = aLow * bHigh + (middle & 0xffffu);
  return aHigh * bHigh + (middle >> 16u) + (carried >> 16u);
}

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let high0 = multiply_high(0xd2511f53u, c.x);
    let high1 = multiply_high(0xcd9e8d57u, c.z);
    c = vec4<u32>(high1 ^ c.y ^ k.x, 0xcd9e8d57u * c.z, high0 ^ c.w ^ k.y, 0xd2511f53u * c.x);
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// Four numbers in [0, 1), the 4i-th to (4i + 3)-th of a stream: the upper 24 bits, which f32 holds exactly.
// seed = (seed, step).
fn random4(i: u32, seed: vec2<u32>, stream: u32) -> vec4<f32> {
  let bits = philox(vec4<u32>(i, seed.y, 0u, 0u), vec2<u32>(seed.x, stream));
  return vec4<f32>(bits >> vec4<u32>(8u)) * 5.9604645e-8; // 2^-24
}
