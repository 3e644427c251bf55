// k nearest points of one query: all distances in one pass, a threshold that keeps at least k and few more, and a
// ranking of the few that are left.

// Tiles of four vectors: distances of a tile stay in registers over all dimensions. The smallest value of every lane
// is kept for `groups` stretches of the cloud: minima of disjoint sets of points.
template <int C>
RECON_INLINE void measure(const float* RECON_RESTRICT points, int64_t stride, int width, const float* query, int groups,
                          float* RECON_RESTRICT distance, float* RECON_RESTRICT minima) {
  const int dims = C > 0 ? C : width;
  const int64_t tiles = stride / (4 * W);
  for (int g = 0; g < groups; ++g) {
    const Vec infinity = set(from_bits(0x7f800000u));
    Vec low[4] = {infinity, infinity, infinity, infinity};
    const int64_t first = tiles * g / groups, last = tiles * (g + 1) / groups;
    for (int64_t i = first * 4 * W; i < last * 4 * W; i += 4 * W) {
      Vec sum[4];
      for (int d = 0; d < dims; ++d) {
        const Vec q = set(query[d]);
        const float* axis = points + d * stride + i;
        for (int t = 0; t < 4; ++t) {
          const Vec difference = sub(load(axis + t * W), q), square = mul(difference, difference);
          sum[t] = d ? add(sum[t], square) : square;
        }
      }
      for (int t = 0; t < 4; ++t) {
        store(distance + i + t * W, sum[t]);
        low[t] = min(low[t], sum[t]);
      }
    }
    for (int t = 0; t < 4; ++t) store(minima + (g * 4 + t) * W, low[t]);
  }
}

RECON_INLINE int64_t count_up_to(const float* values, int64_t count, float limit) {
  const Vec top = set(limit);
  int64_t found = 0;
  for (int64_t i = 0; i < count; i += W) found += count_bits(less_equal(load(values + i), top));
  return found;
}

// A limit that at least k of the values do not exceed, and hardly more than k; bisected on the bits of floats >= 0.
RECON_INLINE float limit_for(const float* values, int64_t count, int64_t k) {
  Vec lowest = load(values), highest = lowest;
  for (int64_t i = W; i < count; i += W) {
    lowest = min(lowest, load(values + i));
    highest = max(highest, load(values + i));
  }
  uint32_t low = to_bits(smallest(lowest)), high = to_bits(largest(highest));
  const int64_t enough = k + k / 16;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    const int64_t found = count_up_to(values, count, from_bits(middle));
    if (found < k) {
      low = middle + 1;
    } else {
      high = middle;
      if (found <= enough) break;
    }
  }
  return from_bits(high);
}

// Distances up to the limit and their positions, in order of position. Both outputs need W entries more than found.
RECON_INLINE int64_t collect(const float* distance, int64_t stride, float limit, float* found, int32_t* position) {
  const Vec top = set(limit);
  int64_t count = 0;
  for (int64_t i = 0; i < stride; i += 4 * W) {
    uint32_t mask[4];
    for (int t = 0; t < 4; ++t) mask[t] = less_equal(load(distance + i + t * W), top);
    if (!(mask[0] | mask[1] | mask[2] | mask[3])) continue;
    for (int t = 0; t < 4; ++t) {
      const int64_t at = i + t * W;
      compress(found + count, mask[t], load(distance + at));
      compress(reinterpret_cast<float*>(position + count), mask[t], count_from(static_cast<int32_t>(at)));
      count += count_bits(mask[t]);
    }
  }
  return count;
}

// Writes each of `count` candidates, which lie in order of index, to its place in ascending order if that is below k.
RECON_INLINE void place(const float* found, const int32_t* position, int64_t count, int64_t k, float* distance,
                        int64_t* index) {
  for (int64_t i = 0; i < count; ++i) {
    const Vec own = set(found[i]);
    // Before it in order: those before it that are not greater, and those after it that are smaller.
    const int64_t cut = i / W * W, behind = cut + W;
    int64_t rank = 0;
    for (int64_t j = 0; j < cut; j += W) rank += count_bits(less_equal(load(found + j), own));
    const uint32_t before = (1u << (i - cut)) - 1;
    const Vec beside = load(found + cut);
    rank += count_bits((less_equal(beside, own) & before) | (less(beside, own) & ~before));
    for (int64_t j = behind; j < count; j += W) rank += count_bits(less(load(found + j), own));
    if (rank < k) {
      distance[rank] = found[i];
      index[rank] = position[i];
    }
  }
}

template <int C>
RECON_INLINE void nearest_rows(const KnnCloud& cloud, const float* query, int64_t rows, int64_t k, bool sorted,
                               float* distance, int64_t* index) {
  const int64_t tiles = cloud.stride / (4 * W);
  int64_t groups = (2 * k + 4 * W - 1) / (4 * W);
  groups = groups < tiles ? groups : tiles;
  for (int64_t row = 0; row < rows; ++row) {
    measure<C>(cloud.points, cloud.stride, cloud.width, query + row * cloud.width, static_cast<int>(groups),
               cloud.distance, cloud.minima);
    const float limit = limit_for(cloud.minima, groups * 4 * W, k);
    const int64_t count = collect(cloud.distance, cloud.stride, limit, cloud.found, cloud.position);
    if (count <= RANKED) {
      // Lanes behind the last candidate must not look smaller than any.
      store(cloud.found + count, set(from_bits(0x7f800000u)));
      place(cloud.found, cloud.position, count, k, distance + row * k, index + row * k);
    } else {
      select_many(cloud, count, k, sorted, distance + row * k, index + row * k);
    }
  }
}

// Keeps the candidates that do not exceed the limit, in place; returns how many they are.
RECON_INLINE int64_t keep_up_to(float limit, int64_t count, float* found, float* position) {
  const Vec top = set(limit);
  int64_t kept = 0;
  for (int64_t i = 0; i < count; i += W) {
    const Vec distance = load(found + i), where = load(position + i);
    const uint32_t mask = less_equal(distance, top);
    compress(found + kept, mask, distance);
    compress(position + kept, mask, where);
    kept += count_bits(mask);
  }
  return kept;
}

// As `place`, for candidates in any order; false if two are equally far, which their order in the cloud must settle.
RECON_INLINE bool place_distinct(const float* found, const float* position, int64_t count, int64_t k, float* distance,
                                 int64_t* index) {
  int64_t pairs = 0;
  for (int64_t i = 0; i < count; ++i) {
    const Vec own = set(found[i]);
    int64_t rank = 0;
    for (int64_t j = 0; j < count; j += W) rank += count_bits(less(load(found + j), own));
    pairs += rank;
    if (rank < k) {
      distance[rank] = found[i];
      index[rank] = static_cast<int64_t>(position[i]);
    }
  }
  return pairs == count * (count - 1) / 2;
}

// Points in spatial buckets: the bucket that surely lies nearest gives a limit, and only buckets whose box is not
// beyond that limit are visited. As rounding is monotonic, a box is never farther than a point in it.
void knn_bucketed(const KnnCloud& cloud, const float* query, int64_t rows, int64_t k, bool sorted, float* distance,
                  int64_t* index) {
  const int64_t size = cloud.size, stride = cloud.boxes;
  const float infinity = from_bits(0x7f800000u);
  const Vec zero = set(0.0f);
  for (int64_t row = 0; row < rows; ++row) {
    const Vec x = set(query[3 * row]), y = set(query[3 * row + 1]), z = set(query[3 * row + 2]);
    Vec near = set(infinity), which = set_int(0);
    for (int64_t b = 0; b < stride; b += W) {
      const float* box = cloud.box + b;
      const Vec lx = sub(load(box), x), hx = sub(x, load(box + 3 * stride));
      const Vec ly = sub(load(box + stride), y), hy = sub(y, load(box + 4 * stride));
      const Vec lz = sub(load(box + 2 * stride), z), hz = sub(z, load(box + 5 * stride));
      const Vec gx = max(max(lx, hx), zero), gy = max(max(ly, hy), zero), gz = max(max(lz, hz), zero);
      store(cloud.gap + b, add(add(mul(gx, gx), mul(gy, gy)), mul(gz, gz)));
      const Vec fx = min(lx, hx), fy = min(ly, hy), fz = min(lz, hz);
      const Vec far = add(add(mul(fx, fx), mul(fy, fy)), mul(fz, fz));
      which = where_less(far, near, count_from(static_cast<int32_t>(b)), which);
      near = min(far, near);
    }
    float lanes[W];
    store(lanes, which);
    const int64_t nearest = to_bits(lanes[first_bit(equal(near, set(smallest(near))))]);

    const float* block = cloud.points + nearest * 3 * size;
    for (int64_t i = 0; i < size; i += W)
      store(cloud.distance + i,
            squared_distance(load(block + i), load(block + size + i), load(block + 2 * size + i), x, y, z));
    float limit = limit_for(cloud.distance, size, k);

    const Vec top = set(limit);
    int64_t count = 0;
    float* position = reinterpret_cast<float*>(cloud.position);
    for (int64_t b = 0; b < stride; b += W) {
      for (uint32_t touched = less_equal(load(cloud.gap + b), top); touched; touched &= touched - 1) {
        const int64_t bucket = b + first_bit(touched);
        if (bucket >= cloud.buckets) break;
        block = cloud.points + bucket * 3 * size;
        const float* origin = cloud.origin + bucket * size;
        for (int64_t i = 0; i < size; i += W) {
          const Vec d = squared_distance(load(block + i), load(block + size + i), load(block + 2 * size + i), x, y, z);
          const uint32_t mask = less_equal(d, top);
          compress(cloud.found + count, mask, d);
          compress(position + count, mask, load(origin + i));
          count += count_bits(mask);
        }
      }
    }
    store(cloud.found + count, set(infinity));
    if (count > k + W) {
      limit = limit_for(cloud.found, (count + W - 1) / W * W, k);
      count = keep_up_to(limit, count, cloud.found, position);
      store(cloud.found + count, set(infinity));
    }
    float* out = distance + row * k;
    if (count > RANKED || !place_distinct(cloud.found, position, count, k, out, index + row * k)) {
      for (int64_t i = 0; i < count; ++i) cloud.position[i] = static_cast<int32_t>(position[i]);
      select_many(cloud, count, k, sorted, out, index + row * k);
    }
  }
}

void knn_rows(const KnnCloud& cloud, const float* query, int64_t rows, int64_t k, bool sorted, float* distance,
              int64_t* index) {
  if (cloud.width == 3)
    nearest_rows<3>(cloud, query, rows, k, sorted, distance, index);
  else
    nearest_rows<0>(cloud, query, rows, k, sorted, distance, index);
}
