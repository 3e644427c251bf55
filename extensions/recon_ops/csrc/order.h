#pragma once

#include <algorithm>
#include <cstdint>

namespace recon_ops {

// Sorts points along a Z-order curve through a grid of cubes, so that successive points are close together.
// `code` and `swap` are scratch of `total` entries, `other` too.
inline void order_points(
    const float* points, int total, uint32_t* code, uint32_t* swap, int32_t* order, int32_t* other) {
  float low[3], high[3];
  for (int d = 0; d < 3; ++d) low[d] = high[d] = points[d];
  for (int i = 1; i < total; ++i)
    for (int d = 0; d < 3; ++d) {
      low[d] = std::min(low[d], points[3 * i + d]);
      high[d] = std::max(high[d], points[3 * i + d]);
    }
  const int level = total > 32768 ? 7 : total > 4096 ? 6 : 5;
  const float extent = std::max({high[0] - low[0], high[1] - low[1], high[2] - low[2]});
  const float top = static_cast<float>((1 << level) - 1), scale = static_cast<float>(1 << level) / extent;
  const int digit = (3 * level + 1) / 2, radix = 1 << digit;
  uint32_t spread[128];
  for (uint32_t i = 0; i < 128; ++i) {
    spread[i] = 0;
    for (int bit = 0; bit < 7; ++bit) spread[i] |= (i >> bit & 1) << (3 * bit);
  }
  int32_t first[2][1 << 11] = {};
  for (int i = 0; i < total; ++i) {
    uint32_t key = 0;
    for (int d = 0; d < 3; ++d) {
      // Comparisons that are false for NaN: an extent of zero or infinity puts points in the first cell.
      const float cell = (points[3 * i + d] - low[d]) * scale;
      key |= spread[cell > 0 ? static_cast<int>(std::min(cell, top)) : 0] << d;
    }
    code[i] = key;
    ++first[0][key & (radix - 1)];
    ++first[1][key >> digit];
  }
  for (auto& counts : first)
    for (int32_t r = 0, sum = 0; r < radix; ++r) {
      const int32_t count = counts[r];
      counts[r] = sum;
      sum += count;
    }
  for (int i = 0; i < total; ++i) {
    const int32_t to = first[0][code[i] & (radix - 1)]++;
    swap[to] = code[i];
    other[to] = i;
  }
  for (int i = 0; i < total; ++i) order[first[1][swap[i] >> digit]++] = other[i];
}

}  // namespace recon_ops
