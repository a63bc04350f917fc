// TextTable: a table drawn with lines, for people.
//
// Thread: one at a time.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace tollgate::reconcile {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head) { rows_.push_back(std::move(head)); }
  // REQUIRES: as many cells as the head has.
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  std::string Draw() const {
    std::vector<size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
      for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
    }
    std::string line = "+";
    for (const size_t width : widths) line += std::string(width + 2, '-') + "+";
    line += '\n';
    std::string text = line;
    for (size_t r = 0; r < rows_.size(); ++r) {
      text += "|";
      for (size_t i = 0; i < widths.size(); ++i) text += " " + Fit(rows_[r][i], widths[i]) + " |";
      text += '\n';
      if (r == 0) text += line;
    }
    return text + line;
  }

 private:
  // Numbers and amounts are aligned right.
  static std::string Fit(const std::string& cell, size_t width) {
    const std::string gap(width - cell.size(), ' ');
    const bool number =
        !cell.empty() && cell.find_first_not_of("0123456789.-") == std::string::npos;
    return number ? gap + cell : cell + gap;
  }
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tollgate::reconcile
