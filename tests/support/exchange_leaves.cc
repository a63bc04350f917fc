#include "tests/support/exchange_leaves.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <vector>

namespace tollgate::testing {
namespace {

// https://www.sqlite.org/fileformat2.html#b_tree_pages
constexpr size_t kPage = 4'096;
constexpr unsigned char kInnerIndexPage = 2;
constexpr size_t kInnerHead = 12;

using Bytes = std::vector<unsigned char>;

size_t Big(const Bytes& bytes, size_t at, size_t count) {
  size_t number = 0;
  for (size_t i = 0; i < count; ++i) number = number << 8U | bytes[at + i];
  return number;
}

}  // namespace

bool ExchangeLeaves(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  Bytes bytes{std::istreambuf_iterator<char>(in), {}};
  size_t root = 0;  // where the inner page with the most cells begins
  size_t cells_most = 0;
  for (size_t page = kPage; page + kPage <= bytes.size(); page += kPage) {
    const size_t cells = Big(bytes, page + 3, 2);
    if (bytes[page] != kInnerIndexPage || cells <= cells_most) continue;
    root = page;
    cells_most = cells;
  }
  if (cells_most < 3) return false;
  // A cell begins with the number of the page below it; pages count from 1.
  const auto leaf = [&](size_t cell) {
    const size_t at = root + Big(bytes, root + kInnerHead + 2 * cell, 2);
    return bytes.begin() + static_cast<int64_t>((Big(bytes, at, 4) - 1) * kPage);
  };
  std::swap_ranges(leaf(0), leaf(0) + kPage, leaf(2));
  std::ofstream out(path, std::ios::binary | std::ios::in);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<int64_t>(bytes.size()));
  out.close();
  return static_cast<bool>(out);
}

}  // namespace tollgate::testing
