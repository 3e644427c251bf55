// Nearest neighbours of a few points at a time: queries in lanes, the other cloud one point after the other.

template <int T>
RECON_INLINE void nearest_tile(const float* query, int count, const float* points, int64_t total, float* distance,
                               int64_t* index) {
  float x[T * W] = {}, y[T * W] = {}, z[T * W] = {};
  for (int i = 0; i < count; ++i) {
    x[i] = query[3 * i];
    y[i] = query[3 * i + 1];
    z[i] = query[3 * i + 2];
  }
  Vec qx[T], qy[T], qz[T], near[T], which[T];
  for (int t = 0; t < T; ++t) {
    qx[t] = load(x + t * W);
    qy[t] = load(y + t * W);
    qz[t] = load(z + t * W);
    near[t] = set(from_bits(0x7f800000u));
    which[t] = set_int(0);
  }
  for (int64_t j = 0; j < total; ++j) {
    const Vec px = set(points[3 * j]), py = set(points[3 * j + 1]), pz = set(points[3 * j + 2]);
    const Vec own = set_int(static_cast<int32_t>(j));
    for (int t = 0; t < T; ++t) {
      const Vec d = squared_distance(qx[t], qy[t], qz[t], px, py, pz);
      which[t] = where_less(d, near[t], own, which[t]);
      near[t] = min(d, near[t]);
    }
  }
  float found[T * W], bits[T * W];
  for (int t = 0; t < T; ++t) {
    store(found + t * W, near[t]);
    store(bits + t * W, which[t]);
  }
  for (int i = 0; i < count; ++i) {
    distance[i] = found[i];
    index[i] = to_bits(bits[i]);
  }
}

void nearest_points(const float* query, int64_t rows, const float* points, int64_t total, float* distance,
                    int64_t* index) {
  int64_t i = 0;
  for (; rows - i > 2 * W; i += 4 * W)
    nearest_tile<4>(query + 3 * i, static_cast<int>(rows - i < 4 * W ? rows - i : 4 * W), points, total, distance + i,
                    index + i);
  for (; i < rows; i += 2 * W)
    nearest_tile<2>(query + 3 * i, static_cast<int>(rows - i < 2 * W ? rows - i : 2 * W), points, total, distance + i,
                    index + i);
}
