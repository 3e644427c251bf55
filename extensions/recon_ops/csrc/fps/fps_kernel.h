// Greedy sampling over buckets of points. Each bucket keeps its points' distances to the samples, their maximum and a
// bounding box; a sample that is farther from the box than that maximum cannot change the bucket, which is then left
// alone. Rounding is monotonic, so the box's distance, computed like a point's, never exceeds that of a point inside:
// the result is exactly that of visiting every point.

// Padding is below every true distance, also below the -1 of points that must not be picked.
constexpr float PADDED = -2.0f;

RECON_INLINE float update_bucket(float* RECON_RESTRICT block, int size, Vec x, Vec y, Vec z) {
  Vec high[2] = {set(PADDED), set(PADDED)};
  float* distance = block + 3 * size;
  for (int i = 0; i < size; i += 2 * W) {
    for (int half = 0; half < 2; ++half) {
      const int at = i + half * W;
      const Vec d = squared_distance(load(block + at), load(block + size + at), load(block + 2 * size + at), x, y, z);
      const Vec near = min(d, load(distance + at));
      store(distance + at, near);
      high[half] = max(high[half], near);
    }
  }
  return largest(max(high[0], high[1]));
}

void fill_buckets(const float* points, int total, const int32_t* order, bool skip_origin, Buckets to) {
  const int size = to.size;
  for (int b = 0; b < to.stride; ++b) to.peak[b] = PADDED;
  for (int b = 0; b < 6 * to.stride; ++b) to.box[b] = 0.0f;
  for (int b = 0; b < to.count; ++b) {
    float* block = to.block + static_cast<int64_t>(b) * 4 * size;
    int32_t* origin = to.origin + static_cast<int64_t>(b) * size;
    float peak = PADDED;
    for (int i = 0; i < size; ++i) {
      const int slot = b * size + i;
      const int from = slot < total ? (order ? order[slot] : slot) : 0;
      const float x = points[3 * int64_t{from}], y = points[3 * int64_t{from} + 1], z = points[3 * int64_t{from} + 2];
      const bool skipped = skip_origin && x * x + y * y + z * z <= 1e-3f;
      const float distance = slot >= total ? PADDED : skipped ? -1.0f : from_bits(0x7f800000u);
      block[i] = x;
      block[size + i] = y;
      block[2 * size + i] = z;
      block[3 * size + i] = distance;
      origin[i] = from;
      peak = distance > peak ? distance : peak;
    }
    to.peak[b] = peak;
    if (!order) continue;
    for (int d = 0; d < 3; ++d) {
      const float* value = block + d * size;
      float low = value[0], high = value[0];
      for (int i = 1; i < size && b * size + i < total; ++i) {
        low = value[i] < low ? value[i] : low;
        high = value[i] > high ? value[i] : high;
      }
      to.box[d * to.stride + b] = low;
      to.box[(3 + d) * to.stride + b] = high;
    }
  }
}

// The largest distance; the lowest index among the points that have it, and that point's slot.
RECON_INLINE float farthest(const Buckets& buckets, int64_t* index, const float** found) {
  Vec high = load(buckets.peak);
  for (int b = W; b < buckets.stride; b += W) high = max(high, load(buckets.peak + b));
  const float most = largest(high);
  const Vec peak = set(most);
  int32_t best = 0x7fffffff;
  for (int b = 0; b < buckets.stride; b += W) {
    for (uint32_t tops = equal(load(buckets.peak + b), peak); tops; tops &= tops - 1) {
      const int bucket = b + first_bit(tops);
      const float* block = buckets.block + static_cast<int64_t>(bucket) * 4 * buckets.size;
      const int32_t* origin = buckets.origin + static_cast<int64_t>(bucket) * buckets.size;
      for (int i = 0; i < buckets.size; i += W) {
        for (uint32_t lanes = equal(load(block + 3 * buckets.size + i), peak); lanes; lanes &= lanes - 1) {
          const int slot = i + first_bit(lanes);
          if (origin[slot] < best) {
            best = origin[slot];
            *found = block + slot;
          }
        }
      }
    }
  }
  *index = best;
  return most;
}

void sample_buckets(const float* points, int64_t samples, bool pruned, Buckets buckets, int64_t* index) {
  const int size = buckets.size, stride = buckets.stride;
  float px = points[0], py = points[1], pz = points[2];
  index[0] = 0;
  for (int64_t step = 1; step < samples; ++step) {
    const Vec x = set(px), y = set(py), z = set(pz);
    if (!pruned) {
      for (int b = 0; b < buckets.count; ++b)
        buckets.peak[b] = update_bucket(buckets.block + static_cast<int64_t>(b) * 4 * size, size, x, y, z);
    } else {
      const Vec zero = set(0.0f);
      for (int b = 0; b < stride; b += W) {
        const float* box = buckets.box + b;
        const Vec dx = max(max(sub(load(box), x), sub(x, load(box + 3 * stride))), zero);
        const Vec dy = max(max(sub(load(box + stride), y), sub(y, load(box + 4 * stride))), zero);
        const Vec dz = max(max(sub(load(box + 2 * stride), z), sub(z, load(box + 5 * stride))), zero);
        const Vec gap = add(add(mul(dx, dx), mul(dy, dy)), mul(dz, dz));
        for (uint32_t touched = less(gap, load(buckets.peak + b)); touched; touched &= touched - 1) {
          const int bucket = b + first_bit(touched);
          buckets.peak[bucket] = update_bucket(buckets.block + static_cast<int64_t>(bucket) * 4 * size, size, x, y, z);
        }
      }
    }
    const float* found = buckets.block;
    if (farthest(buckets, index + step, &found) <= 0) {
      // Only points that are taken, doubled or skipped are left, and nothing changes any more.
      for (int64_t rest = step + 1; rest < samples; ++rest) index[rest] = index[step];
      return;
    }
    px = found[0];
    py = found[size];
    pz = found[2 * size];
  }
}
