// The content of books, wherever they are, as it is copied: ImageReader and ImageWriter, and a
// digest of it.
//
// Thread: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "ledger/file/book_file.h"
#include "tollgate/base/result.h"
#include "tollgate/ledger/copy_books.h"

namespace tollgate::ledger::copy {

// What is small. The run of the server is not part of it: in another place it is another one.
struct Head {
  file::Header header;
  std::map<payments::Uuid, file::OwnerRow> tables;
  int64_t left_behind = 0;  // settled payments of older shelves
};

struct Sum {
  int level = 0;
  int64_t node = 0;
  uint8_t processor = 0;  // ledger number
  int64_t count = 0;
  int64_t cents = 0;
};

struct ContentUse {
  std::function<void(const payments::Uuid& id, const file::PendingClaim& claim)> pending;
  // `shelf`: one of the header's two.
  std::function<void(const payments::Uuid& id, const file::Settled& settled,
                     const file::Shelf& shelf)>
      settled;
  // A node may come in parts, which add up.
  std::function<void(const Sum& sum)> sum;
};

class ImageReader {
 public:
  virtual ~ImageReader() = default;
  // Reads it anew at each call.
  virtual base::Result<Head> ReadHead() = 0;
  // REQUIRES: `head` is what ReadHead returned.
  virtual base::Status ReadContent(const Head& head, const ContentUse& use) = 0;
};

class ImageWriter {
 public:
  virtual ~ImageWriter() = default;
  // An error: there is something already.
  virtual base::Status Begin(const Head& head) = 0;
  virtual void PutPending(const payments::Uuid& id, const file::PendingClaim& claim) = 0;
  virtual void PutSettled(const payments::Uuid& id, const file::Settled& settled,
                          const file::Shelf& shelf) = 0;
  virtual void PutSum(const Sum& sum) = 0;
  // Before it, no gateway takes what is there for books.
  virtual base::Status Finish() = 0;
};

std::unique_ptr<ImageReader> MakeFileReader(const std::string& path);
std::unique_ptr<ImageWriter> MakeFileWriter(const std::string& path);
std::unique_ptr<ImageReader> MakeRedisReader(const RedisOptions& options);
std::unique_ptr<ImageWriter> MakeRedisWriter(const RedisOptions& options);

// Two images with the same digest are the same; the chance of an error is 2^-64 for each part.
struct Digest {
  uint64_t head = 0;  // id, purges, mends, loss, names, shelves
  uint64_t tables = 0;
  uint64_t pending = 0;
  uint64_t settled = 0;
  uint64_t sums = 0;
  int64_t pending_count = 0;
  int64_t settled_count = 0;
  int64_t counted = 0;
  bool operator==(const Digest&) const = default;
};
Digest DigestOf(const Head& head);
void AddPending(Digest& digest, const payments::Uuid& id, const file::PendingClaim& claim);
void AddSettled(Digest& digest, const payments::Uuid& id, const file::Settled& settled,
                const file::Shelf& shelf);
void AddSum(Digest& digest, const Sum& sum);

}  // namespace tollgate::ledger::copy
