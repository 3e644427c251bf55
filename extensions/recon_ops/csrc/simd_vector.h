// Vectors of W floats for the instruction set in RECON_ISA; included by simd.h inside a namespace, once per set.
// Comparisons give one bit a lane. Integers travel in the same registers, as bits. There is no fused multiply-add:
// every implementation must round alike.

#if RECON_ISA == 512

constexpr int W = 16;
using Vec = __m512;
RECON_INLINE Vec load(const float* p) { return _mm512_loadu_ps(p); }
RECON_INLINE void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
RECON_INLINE Vec set(float x) { return _mm512_set1_ps(x); }
RECON_INLINE Vec set_int(int32_t x) { return _mm512_castsi512_ps(_mm512_set1_epi32(x)); }
RECON_INLINE Vec count_from(int32_t x) {
  const __m512i steps = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_set1_epi32(x), steps));
}
RECON_INLINE Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
RECON_INLINE Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
RECON_INLINE Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
RECON_INLINE Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
RECON_INLINE Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
RECON_INLINE uint32_t less(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
RECON_INLINE uint32_t less_equal(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
RECON_INLINE uint32_t equal(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
// a < b ? x : y
RECON_INLINE Vec where_less(Vec a, Vec b, Vec x, Vec y) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}
RECON_INLINE float largest(Vec v) { return _mm512_reduce_max_ps(v); }
RECON_INLINE float smallest(Vec v) { return _mm512_reduce_min_ps(v); }
// Compressing straight to memory is microcode on some processors, compressing in a register is not.
RECON_INLINE void compress(float* out, uint32_t mask, Vec v) {
  _mm512_storeu_ps(out, _mm512_maskz_compress_ps(static_cast<__mmask16>(mask), v));
}

#elif RECON_ISA == 256

constexpr int W = 8;
using Vec = __m256;
RECON_INLINE Vec load(const float* p) { return _mm256_loadu_ps(p); }
RECON_INLINE void store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
RECON_INLINE Vec set(float x) { return _mm256_set1_ps(x); }
RECON_INLINE Vec set_int(int32_t x) { return _mm256_castsi256_ps(_mm256_set1_epi32(x)); }
RECON_INLINE Vec count_from(int32_t x) {
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_set1_epi32(x), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}
RECON_INLINE Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
RECON_INLINE Vec sub(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
RECON_INLINE Vec mul(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
RECON_INLINE Vec min(Vec a, Vec b) { return _mm256_min_ps(a, b); }
RECON_INLINE Vec max(Vec a, Vec b) { return _mm256_max_ps(a, b); }
RECON_INLINE uint32_t bits(Vec v) { return static_cast<uint32_t>(_mm256_movemask_ps(v)); }
RECON_INLINE uint32_t less(Vec a, Vec b) { return bits(_mm256_cmp_ps(a, b, _CMP_LT_OQ)); }
RECON_INLINE uint32_t less_equal(Vec a, Vec b) { return bits(_mm256_cmp_ps(a, b, _CMP_LE_OQ)); }
RECON_INLINE uint32_t equal(Vec a, Vec b) { return bits(_mm256_cmp_ps(a, b, _CMP_EQ_OQ)); }
RECON_INLINE Vec where_less(Vec a, Vec b, Vec x, Vec y) {
  return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
RECON_INLINE float largest(Vec v) {
  __m128 h = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  h = _mm_max_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_max_ss(h, _mm_shuffle_ps(h, h, 1)));
}
RECON_INLINE float smallest(Vec v) {
  __m128 h = _mm_min_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  h = _mm_min_ps(h, _mm_movehl_ps(h, h));
  return _mm_cvtss_f32(_mm_min_ss(h, _mm_shuffle_ps(h, h, 1)));
}
RECON_INLINE void compress(float* out, uint32_t mask, Vec v) {
  float lanes[W];
  store(lanes, v);
  for (; mask; mask &= mask - 1) *out++ = lanes[__builtin_ctz(mask)];
}

#else

constexpr int W = 4;
struct Vec {
  float lane[W];
};
RECON_INLINE Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
RECON_INLINE void store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }
template <class F>
RECON_INLINE Vec each(F f) {
  Vec v;
  for (int i = 0; i < W; ++i) v.lane[i] = f(i);
  return v;
}
template <class F>
RECON_INLINE uint32_t test(F f) {
  uint32_t mask = 0;
  for (int i = 0; i < W; ++i) mask |= static_cast<uint32_t>(f(i)) << i;
  return mask;
}
RECON_INLINE float as_float(int32_t x) {
  float f;
  std::memcpy(&f, &x, sizeof f);
  return f;
}
RECON_INLINE Vec set(float x) {
  return each([=](int) { return x; });
}
// Small integers look like denormal numbers: they are moved as bytes, never computed with.
RECON_INLINE Vec count_from(int32_t x) {
  const int32_t steps[W] = {x, x + 1, x + 2, x + 3};
  Vec v;
  std::memcpy(&v, steps, sizeof v);
  return v;
}
RECON_INLINE Vec set_int(int32_t x) { return set(as_float(x)); }
RECON_INLINE Vec add(Vec a, Vec b) {
  return each([&](int i) { return a.lane[i] + b.lane[i]; });
}
RECON_INLINE Vec sub(Vec a, Vec b) {
  return each([&](int i) { return a.lane[i] - b.lane[i]; });
}
RECON_INLINE Vec mul(Vec a, Vec b) {
  return each([&](int i) { return a.lane[i] * b.lane[i]; });
}
RECON_INLINE Vec min(Vec a, Vec b) {
  return each([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
RECON_INLINE Vec max(Vec a, Vec b) {
  return each([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
RECON_INLINE uint32_t less(Vec a, Vec b) {
  return test([&](int i) { return a.lane[i] < b.lane[i]; });
}
RECON_INLINE uint32_t less_equal(Vec a, Vec b) {
  return test([&](int i) { return a.lane[i] <= b.lane[i]; });
}
RECON_INLINE uint32_t equal(Vec a, Vec b) {
  return test([&](int i) { return a.lane[i] == b.lane[i]; });
}
RECON_INLINE Vec where_less(Vec a, Vec b, Vec x, Vec y) {
  return each([&](int i) { return a.lane[i] < b.lane[i] ? x.lane[i] : y.lane[i]; });
}
RECON_INLINE float largest(Vec v) {
  float best = v.lane[0];
  for (int i = 1; i < W; ++i) best = v.lane[i] > best ? v.lane[i] : best;
  return best;
}
RECON_INLINE float smallest(Vec v) {
  float best = v.lane[0];
  for (int i = 1; i < W; ++i) best = v.lane[i] < best ? v.lane[i] : best;
  return best;
}
RECON_INLINE void compress(float* out, uint32_t mask, Vec v) {
  for (int i = 0; i < W; ++i)
    if (mask >> i & 1) *out++ = v.lane[i];
}

#endif

RECON_INLINE int count_bits(uint32_t mask) {
#if defined(__GNUC__)
  return __builtin_popcount(mask);
#else
  int count = 0;
  for (; mask; mask &= mask - 1) ++count;
  return count;
#endif
}

RECON_INLINE int first_bit(uint32_t mask) {
#if defined(__GNUC__)
  return __builtin_ctz(mask);
#else
  int bit = 0;
  for (; !(mask & 1); mask >>= 1) ++bit;
  return bit;
#endif
}

RECON_INLINE uint32_t to_bits(float x) {
  uint32_t u;
  std::memcpy(&u, &x, sizeof u);
  return u;
}

RECON_INLINE float from_bits(uint32_t u) {
  float x;
  std::memcpy(&x, &u, sizeof x);
  return x;
}

RECON_INLINE Vec squared_distance(Vec x, Vec y, Vec z, Vec qx, Vec qy, Vec qz) {
  const Vec dx = sub(x, qx), dy = sub(y, qy), dz = sub(z, qz);
  return add(add(mul(dx, dx), mul(dy, dy)), mul(dz, dz));
}
