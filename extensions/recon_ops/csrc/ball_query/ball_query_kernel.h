// The first k points within the radius, in order of index; `found` needs a vector more than k entries.
void ball_rows(const float* points, int64_t stride, const float* centers, int64_t rows, float limit, int64_t k,
               int32_t* found, int64_t* index) {
  const Vec top = set(limit);
  for (int64_t row = 0; row < rows; ++row) {
    const Vec x = set(centers[3 * row]), y = set(centers[3 * row + 1]), z = set(centers[3 * row + 2]);
    int64_t count = 0;
    for (int64_t i = 0; i < stride && count < k; i += W) {
      const Vec px = load(points + i), py = load(points + stride + i), pz = load(points + 2 * stride + i);
      const uint32_t inside = less(squared_distance(px, py, pz, x, y, z), top);
      if (!inside) continue;
      compress(reinterpret_cast<float*>(found + count), inside, count_from(static_cast<int32_t>(i)));
      count += count_bits(inside);
    }
    int64_t* out = index + row * k;
    const int64_t first = count ? found[0] : 0;
    for (int64_t i = 0; i < k; ++i) out[i] = i < count ? found[i] : first;
  }
}
