// The taps through which a class of pixels is seen: `first`, `first + step`, ... below the filter's size. Those are the
// taps for which `shift` − tap · dilation is a multiple of the stride; `first` is beyond any filter where there is
// none.
struct Taps {
  first: u32,
  step: u32,
}

fn taps_of(shift: u32, dilation: u32, stride: u32) -> Taps {
  var step = 1u;
  while (step * dilation % stride != 0u) {
    step++;
  }
  var first = 0u;
  while (first < step && (first * dilation + stride - shift % stride) % stride != 0u) {
    first++;
  }
  return Taps(select(0xffffffu, first, first < step), step);
}
