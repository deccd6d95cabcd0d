// What an op does to its result before it writes it: y = op3( .. op0(v, s0) .., s3), pointwise stages that the compiler
// found behind the op in the graph (engine/program/epilogue.ts). A pass of their own would write and read the whole
// tensor once more.
//
// As in pointwise.wgsl each stage is an override, so its `switch` is decided when the pipeline is made. A stage's
// operand is the number IMMEDIATE, or comes from its tensor e0..e3: at the index of the result, or by channel. FROM is
// OPERAND_MODE of pointwise.ts.
override EPILOGUE0: u32 = 0;
override EPILOGUE1: u32 = 0;
override EPILOGUE2: u32 = 0;
override EPILOGUE3: u32 = 0;
override FROM0: u32 = 0; // 0 immediate · 1 full shape · 2 [C] · 6 the second row of [2, C]
override FROM1: u32 = 0;
override FROM2: u32 = 0;
override FROM3: u32 = 0;
override IMMEDIATE0: f32 = 0.0;
override IMMEDIATE1: f32 = 0.0;
override IMMEDIATE2: f32 = 0.0;
override IMMEDIATE3: f32 = 0.0;

alias E0 = Value; // how the operands are stored: Values, or as f16
alias E1 = Value;
alias E2 = Value;
alias E3 = Value;

@group(0) @binding(4) var<storage, read> e0: array<E0>;
@group(0) @binding(5) var<storage, read> e1: array<E1>;
@group(0) @binding(6) var<storage, read> e2: array<E2>;
@group(0) @binding(7) var<storage, read> e3: array<E3>;

//!include ../pointwise/functions.wgsl

struct Operands {
  s0: Value,
  s1: Value,
  s2: Value,
  s3: Value,
}

// The operands that do not depend on the pixel, to be loaded once for all pixels of a thread. Channels are counted in
// Values.
fn channel_operands(channel: u32, channels: u32) -> Operands {
  var own = Operands(Value(IMMEDIATE0), Value(IMMEDIATE1), Value(IMMEDIATE2), Value(IMMEDIATE3));
  let second = channels + channel;
  if (FROM0 == 2u) { own.s0 = Value(e0[channel]); }
  if (FROM1 == 2u) { own.s1 = Value(e1[channel]); }
  if (FROM2 == 2u) { own.s2 = Value(e2[channel]); }
  if (FROM3 == 2u) { own.s3 = Value(e3[channel]); }
  if (FROM0 == 6u) { own.s0 = Value(e0[second]); }
  if (FROM1 == 6u) { own.s1 = Value(e1[second]); }
  if (FROM2 == 6u) { own.s2 = Value(e2[second]); }
  if (FROM3 == 6u) { own.s3 = Value(e3[second]); }
  return own;
}

// The result `v`, to be written to the index `i`, after all stages.
fn epilogue(v: Value, i: u32, own: Operands) -> Value {
  var y = v;
  var s = own;
  if (FROM0 == 1u) { s.s0 = Value(e0[i]); }
  if (FROM1 == 1u) { s.s1 = Value(e1[i]); }
  if (FROM2 == 1u) { s.s2 = Value(e2[i]); }
  if (FROM3 == 1u) { s.s3 = Value(e3[i]); }
  if (EPILOGUE0 != 0u) { y = common_function(EPILOGUE0, y, s.s0); }
  if (EPILOGUE1 != 0u) { y = common_function(EPILOGUE1, y, s.s1); }
  if (EPILOGUE2 != 0u) { y = common_function(EPILOGUE2, y, s.s2); }
  if (EPILOGUE3 != 0u) { y = common_function(EPILOGUE3, y, s.s3); }
  return y;
}
