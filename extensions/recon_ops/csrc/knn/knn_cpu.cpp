#define RECON_KERNEL "knn/knn_kernel.h"
#include "../common.h"
#include "../order.h"
#include "knn.h"

namespace recon_ops {
namespace {

// A cloud, whole and transposed or in buckets, and room to work in.
struct KnnCloud {
  float* points;  // (width, stride), or for each bucket x[size], y[size], z[size]
  int64_t stride;
  int width;
  int64_t buckets, size, boxes;  // boxes: buckets, rounded up to whole vectors
  float *origin, *box, *gap;     // a slot's index in the cloud; lowest x, y, z and highest (6, boxes); (boxes)
  float *distance, *minima, *found;
  int32_t* position;
  uint64_t* key;
};

// Up to this many candidates are ranked by counting, more are sorted.
constexpr int64_t RANKED = 192;

void select_many(const KnnCloud& cloud, int64_t count, int64_t k, bool sorted, float* distance, int64_t* index) {
  // The bits of floats >= 0 sort as the floats do.
  uint64_t* key = cloud.key;
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    std::memcpy(&bits, cloud.found + i, sizeof bits);
    key[i] = uint64_t{bits} << 32 | static_cast<uint32_t>(cloud.position[i]);
  }
  if (k < count) std::nth_element(key, key + k, key + count);
  if (sorted) std::sort(key, key + k);
  for (int64_t i = 0; i < k; ++i) {
    const auto bits = static_cast<uint32_t>(key[i] >> 32);
    std::memcpy(distance + i, &bits, sizeof bits);
    index[i] = static_cast<uint32_t>(key[i]);
  }
}

}  // namespace
}  // namespace recon_ops

#include "../simd.h"

namespace recon_ops {
namespace {

// Points a bucket: enough for a good limit from one bucket alone. 0: search the cloud whole, where buckets cost more
// than they save (measured).
int64_t bucket_size(int64_t total, int64_t width, int64_t k, int64_t rows) {
  // Indices are kept as floats, which count that far without a gap.
  if (width != 3 || total < 1024 || total > (1 << 24) || k > 64 || rows < 64) return 0;
  return k <= 16 ? 32 : k <= 32 ? 64 : 128;
}

void fill_buckets(const float* points, int64_t total, const int32_t* order, const KnnCloud& to) {
  const float infinity = std::numeric_limits<float>::infinity();
  std::fill(to.box, to.box + 6 * to.boxes, infinity);
  for (int64_t b = 0; b < to.buckets; ++b) {
    float* block = to.points + b * 3 * to.size;
    for (int64_t i = 0; i < to.size; ++i) {
      const int64_t slot = b * to.size + i;
      const float* from = slot < total ? points + 3 * int64_t{order[slot]} : nullptr;
      for (int d = 0; d < 3; ++d) block[d * to.size + i] = from ? from[d] : infinity;
      to.origin[slot] = static_cast<float>(from ? order[slot] : total);
    }
    const int64_t count = std::min(to.size, total - b * to.size);
    for (int d = 0; d < 3; ++d) {
      const auto ends = std::minmax_element(block + d * to.size, block + d * to.size + count);
      to.box[d * to.boxes + b] = *ends.first;
      to.box[(3 + d) * to.boxes + b] = *ends.second;
    }
  }
}

}  // namespace

void search_clouds(const float* query, const float* points, int64_t batch, int64_t rows, int64_t total, int64_t width,
                   int64_t k, bool sorted, float* distance, int64_t* index) {
  const int64_t size = bucket_size(total, width, k, rows), stride = padded(total);
  const int64_t buckets = size ? (total + size - 1) / size : 0, boxes = (buckets + 15) / 16 * 16;
  // All that one thread may need, with a vector's room behind what compressing writes.
  const int64_t room = stride + 4 * PADDING;
  parallel_for(0, batch * rows, grain(size ? 512 : total * width / 8), [&](int64_t begin, int64_t end) {
    Scratch<float> cloud(width * room), work(4 * room + 7 * boxes);
    Scratch<int32_t> position(room), order(size ? 4 * total : 0);
    Scratch<uint64_t> key(room);
    float* const at = work.get();
    float* const box = at + 4 * room;
    const KnnCloud found{cloud.get(), stride, static_cast<int>(width), buckets, size, boxes, at, box, box + 6 * boxes,
                         at + room, at + 2 * room, at + 3 * room, position.get(), key.get()};
    while (begin < end) {
      const int64_t b = begin / rows, last = std::min(end, (b + 1) * rows), count = last - begin;
      const float *from = query + begin * width, *to = points + b * total * width;
      if (size) {
        int32_t* const sorted_order = order.get();
        auto* code = reinterpret_cast<uint32_t*>(sorted_order) + 2 * total;
        order_points(to, static_cast<int>(total), code, code + total, sorted_order, sorted_order + total);
        fill_buckets(to, total, sorted_order, found);
        RECON_DISPATCH(knn_bucketed(found, from, count, k, sorted, distance + begin * k, index + begin * k));
      } else {
        transpose(to, total, width, found.points);
        RECON_DISPATCH(knn_rows(found, from, count, k, sorted, distance + begin * k, index + begin * k));
      }
      begin = last;
    }
  });
}

namespace {

std::tuple<Tensor, Tensor> knn(const Tensor& query, const Tensor& points, int64_t k, bool sorted) {
  check_floats(query, "query");
  check_floats(points, "points", query.size(2));
  check_same_batch(query, points, "query and points");
  const int64_t total = points.size(1), width = points.size(2);
  check(width >= 1, "points must have at least one dimension");
  check(k >= 1 && k <= total, "k must be in 1..", total, ", got ", k);
  const Tensor from = as_contiguous(query), to = as_contiguous(points);
  check_finite(from, "query");
  check_finite(to, "points");
  Tensor distance = empty({query.size(0), query.size(1), k}, Type::Float, from);
  Tensor index = empty({query.size(0), query.size(1), k}, Type::Long, from);
  search_clouds(from.const_data_ptr<float>(), to.const_data_ptr<float>(), query.size(0), query.size(1), total, width, k,
                sorted, distance.mutable_data_ptr<float>(), index.mutable_data_ptr<int64_t>());
  return {distance, index};
}

}  // namespace

RECON_LIBRARY(CPU, m) { m.impl("knn", RECON_KERNEL_OF(knn)); }

}  // namespace recon_ops
