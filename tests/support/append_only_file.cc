#include "tests/support/append_only_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "tollgate/base/assert.h"

namespace tollgate::testing {
namespace {

std::string PathIn(const std::string& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/appendonlydir")) {
    if (entry.path().string().ends_with(".incr.aof")) return entry.path().string();
  }
  return {};
}

// Parses "*3" or "$17", then CRLF; moves `at` behind it. -1: it is not complete.
long Number(std::string_view text, size_t& at, char kind) {
  const size_t end = text.find("\r\n", at);
  if (end == std::string_view::npos || text[at] != kind) return -1;
  const long number = std::strtol(text.data() + at + 1, nullptr, 10);
  at = end + 2;
  return number;
}

// Parses one command (RESP, an array of bulk strings) and returns its name; moves `at` behind it.
// Empty: the rest of the file is not a complete command.
std::string_view Command(std::string_view text, size_t& at) {
  size_t next = at;
  const long words = next < text.size() ? Number(text, next, '*') : -1;
  std::string_view name;
  for (long i = 0; i < words; ++i) {
    const long bytes = next < text.size() ? Number(text, next, '$') : -1;
    if (bytes < 0 || next + static_cast<size_t>(bytes) + 2 > text.size()) return {};
    if (i == 0) name = text.substr(next, static_cast<size_t>(bytes));
    next += static_cast<size_t>(bytes) + 2;
  }
  if (!name.empty()) at = next;
  return name;
}

}  // namespace

size_t AppendOnlyBytes(const std::string& folder) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(PathIn(folder), error);
  return error ? 0 : bytes;
}

size_t CutAppendOnlyFile(const std::string& folder, size_t keep) {
  const std::string path = PathIn(folder);
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  const std::string text = content.str();
  size_t at = 0;
  size_t boundary = 0;
  bool in_transaction = false;
  while (boundary < keep) {
    const std::string_view name = Command(text, at);
    if (name.empty()) break;
    if (name == "MULTI") in_transaction = true;
    if (name == "EXEC") in_transaction = false;
    if (!in_transaction) boundary = at;
  }
  TG_ASSERT(boundary > 0);
  std::filesystem::resize_file(path, boundary);
  return text.size() - boundary;
}

}  // namespace tollgate::testing
