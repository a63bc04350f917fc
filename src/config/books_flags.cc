#include "config/books_flags.h"

#include <filesystem>

#include "config/urls.h"

namespace tollgate::config {

base::Result<BooksLocation> ReadLocation(const std::string& flag, const std::string& text,
                                         const ledger::RedisOptions& redis) {
  constexpr std::string_view kFile = "file:";
  BooksLocation location{.redis = redis, .path = {}};
  if (text.starts_with(kFile) && text.size() > kFile.size()) {
    location.kind = ledger::PlaceKind::kFile;
    const std::filesystem::path path = text.substr(kFile.size());
    std::error_code error;
    const bool folder = std::filesystem::is_directory(path, error);
    location.path = folder ? path / ledger::kBooksFileName : path;
    return location;
  }
  if (!text.starts_with("redis://") && !text.starts_with("unix://")) {
    return base::Error{flag + ": '" + text +
                       "' must be file:PATH, redis://HOST:PORT or unix:///PATH"};
  }
  location.redis.unix_path.clear();
  if (const Problem problem = ReadRedisUrl(text, location.redis)) {
    return base::Error{flag + ": " + *problem};
  }
  return location;
}

}  // namespace tollgate::config
