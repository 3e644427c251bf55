// bfloat16 travels as its bits: the upper half of a float.
RECON_INLINE float widen(float x) { return x; }
RECON_INLINE float widen(uint16_t x) {
  const uint32_t bits = static_cast<uint32_t>(x) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
RECON_INLINE void narrow(float x, float* out) { *out = x; }
RECON_INLINE void narrow(float x, uint16_t* out) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;  // to nearest, ties to even
  *out = static_cast<uint16_t>(x == x ? rounded : 0x7fc0u);
}

// Maximum of every channel over k rows, and the first row that has it; a NaN counts as the largest.
template <class T>
void max_of_rows(const T* RECON_RESTRICT values, int64_t k, int64_t channels, float* RECON_RESTRICT best,
                 int32_t* RECON_RESTRICT row) {
  for (int64_t c = 0; c < channels; ++c) best[c] = widen(values[c]);
  for (int64_t c = 0; c < channels; ++c) row[c] = 0;
  for (int64_t i = 1; i < k; ++i) {
    const T* RECON_RESTRICT line = values + i * channels;
    const int32_t here = static_cast<int32_t>(i);
    for (int64_t c = 0; c < channels; ++c) {
      const float value = widen(line[c]), most = best[c];
      // Greater than a maximum that is a number, or the first NaN.
      const bool better = (!(value <= most)) & (most == most);
      best[c] = better ? value : most;
      row[c] = better ? here : row[c];
    }
  }
}

template <class T>
void store_maximum(const float* best, const int32_t* row, int64_t channels, T* out, int64_t* index) {
  for (int64_t c = 0; c < channels; ++c) narrow(best[c], out + c);
  for (int64_t c = 0; c < channels; ++c) index[c] = row[c];
}

template <class T>
RECON_INLINE void add_scaled(float* RECON_RESTRICT out, float scale, const T* RECON_RESTRICT line, int64_t width) {
  for (int64_t i = 0; i < width; ++i) out[i] += scale * widen(line[i]);
}

// Into the k rows of one patch: from every channel its weights, into the row that had the maximum.
template <class T>
void into_rows(const float* grad, const int64_t* index, const float* weight, int64_t channels, int64_t k,
               int64_t width, float* sum, T* out) {
  for (int64_t i = 0; i < k * width; ++i) sum[i] = 0.0f;
  for (int64_t c = 0; c < channels; ++c) add_scaled(sum + index[c] * width, grad[c], weight + c * width, width);
  for (int64_t i = 0; i < k * width; ++i) narrow(sum[i], out + i);
}

// Into the weights of the channels first..last: from the row of one patch that had the maximum.
template <class T>
void into_weights(const float* grad, const int64_t* index, const T* rows, int64_t first, int64_t last, int64_t width,
                  float* out) {
  for (int64_t c = first; c < last; ++c) add_scaled(out + c * width, grad[c], rows + index[c] * width, width);
}
