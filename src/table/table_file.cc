#include "table/table_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "table/own_file.h"
#include "tollgate/base/assert.h"
#include "tollgate/payments/processor_directory.h"

namespace tollgate::table {
namespace {

// Where version 1 had its checksum.
constexpr size_t kChecksumAtOfVersion1 = offsetof(TableHeader, identities);
static_assert(kChecksumAtOfVersion1 == 1104);

// FNV-1a, 64 bits (draft-eastlake-fnv), over the bytes before the checksum.
uint64_t HeaderChecksum(const TableHeader& header, size_t checksum_at) {
  uint64_t hash = 0xCBF29CE484222325U;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  for (size_t i = 0; i < checksum_at; ++i) hash = (hash ^ bytes[i]) * 0x100000001B3U;
  return hash;
}

// Converts a header that was read to this version; false: it is damaged.
bool Understand(TableHeader& header) {
  if (header.version == kTableVersion) {
    return header.checksum == HeaderChecksum(header, offsetof(TableHeader, checksum));
  }
  uint64_t checksum = 0;
  std::memcpy(&checksum, reinterpret_cast<const char*>(&header) + kChecksumAtOfVersion1,
              sizeof(checksum));
  if (header.version != 1 || checksum != HeaderChecksum(header, kChecksumAtOfVersion1)) {
    return false;
  }
  header.version = kTableVersion;
  header.identities = {};
  header.books = {};
  header.predecessors = {};
  return true;
}

base::Status WriteAll(int fd, const char* data, size_t size, off_t at) {
  while (size > 0) {
    const ssize_t n = ::pwrite(fd, data, size, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return base::ErrnoError("write", n == 0 ? ENOSPC : errno);
    data += n;
    size -= static_cast<size_t>(n);
    at += n;
  }
  return base::OkStatus();
}

// Writes zeros instead of only reserving space: a full disk is an error now and no SIGBUS later.
base::Status WriteZeros(int fd, off_t begin, off_t end) {
  const std::vector<char> zeros(size_t{1} << 20U);
  while (begin < end) {
    const off_t part = std::min(static_cast<off_t>(zeros.size()), end - begin);
    auto status = WriteAll(fd, zeros.data(), static_cast<size_t>(part), begin);
    if (!status.ok()) return status;
    begin += part;
  }
  return base::OkStatus();
}

// Writes the holes of a sparse file: a copy may have been made without its zero blocks.
base::Status FillHoles(int fd, const std::string& path) {
  constexpr off_t kBlockBytes = 512;  // of st_blocks, on every file system
  struct stat info {};
  if (::fstat(fd, &info) != 0) return base::ErrnoError(path);
  if (info.st_blocks >= info.st_size / kBlockBytes) return base::OkStatus();
  for (off_t at = 0; at < info.st_size;) {
    const off_t hole = ::lseek(fd, at, SEEK_HOLE);
    if (hole < 0 || hole >= info.st_size) break;  // no hole, or the file system does not report it
    at = ::lseek(fd, hole, SEEK_DATA);
    if (at < 0) at = info.st_size;
    auto status = WriteZeros(fd, hole, at);
    if (!status.ok()) {
      return base::Error{"the payment table " + path +
                             " has holes, as a copy may, that cannot be filled (" +
                             status.error().message + "); free some space",
                         status.error().code};
    }
  }
  return base::OkStatus();
}

// A file's name is on disk only after its folder was synced.
base::Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const base::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) return base::ErrnoError("sync of the folder");
  return base::OkStatus();
}

size_t FileBytes(size_t slots) { return kSlotsOffset + slots * sizeof(Slot); }

std::string Foreign(const std::string& path, const std::string& why) {
  return path + " is not a payment table of this version (" + why +
         "); it was left as it is. Choose another DATA_DIR, or move the file away if it is not "
         "needed";
}

}  // namespace

uint64_t RandomNumber() {
  uint64_t number = 0;
  TG_CHECK(::getrandom(&number, sizeof(number), 0) == sizeof(number));
  return number;
}

TableFile::~TableFile() {
  watch_.reset();
  if (mapping_ != nullptr) ::munmap(mapping_, mapped_bytes_);
}

base::Status TableFile::Open(const std::string& path, const OpenRules& rules) {
  auto status = OpenFile(path, rules);
  if (status.ok()) status = ReadHeader(path, rules.slots_max);
  if (status.ok()) status = FillHoles(fd_.get(), path);
  return status.ok() ? Map(path, true) : status;
}

base::Status TableFile::OpenToShow(const std::string& path) {
  auto opened = table::OpenToShow(path);
  if (!opened.ok()) return opened.error();
  fd_ = std::move(opened).value();
  auto status = ReadHeader(path, kSlotsMax);
  return status.ok() ? Map(path, false) : status;
}

base::Status TableFile::OpenFile(const std::string& path, const OpenRules& rules) {
  constexpr int kTriesMax = 100;
  for (int i = 0; i < kTriesMax; ++i) {
    auto opened = OpenOwn(path, true);
    if (!opened.ok() && opened.error().code == ENOENT && rules.create) {
      auto status = Create(path, rules.slots);
      // Another process created it at the same moment; its lock decides.
      if (!status.ok() && status.error().code == EEXIST) continue;
      return status;
    }
    if (!opened.ok()) return opened.error();
    fd_ = std::move(opened).value();
    auto status = LockAlone(fd_.get(), path, rules.lock_wait_ms);
    if (!status.ok()) return status;
    // The process that had adopted the file may have finished and removed it before this lock. Data
    // in a file without a name is lost when this process ends.
    if (!HasName(fd_.get(), path)) continue;
    status = KeepOneName(fd_.get(), path, path + ".new");
    if (status.ok()) status = MakeOwn(fd_.get(), path);  // earlier versions let others read it
    return status;
  }
  return base::Error{"the payment table " + path + " is created and removed again and again",
                     EWOULDBLOCK};
}

base::Status TableFile::OpenMemory(size_t slots) {
  created_ = true;
  header_.slots = slots;
  header_.table = {RandomNumber(), RandomNumber()};
  mapped_bytes_ = slots * sizeof(Slot);
  void* const memory =
      ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return base::ErrnoError("memory for the payment table");
  mapping_ = memory;
  slots_ = static_cast<Slot*>(memory);
  live_ = &memory_live_;
  return base::OkStatus();
}

// Writes the whole file under the name `path`.new and then links it to `path`, so no process sees a
// partial file. If two start at once, the one with the lock creates it. The name does not contain
// the process id, which is 1 for both in containers. The next start reuses what a killed start has
// left.
base::Status TableFile::Create(const std::string& path, size_t slots) {
  TG_ASSERT(slots > 0 && slots <= kSlotsMax);
  const std::string unfinished = path + ".new";
  const base::Error finished{"the payment table " + path + " was made by another instance", EEXIST};
  fd_.reset(::open(unfinished.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                   S_IRUSR | S_IWUSR));
  if (!fd_.valid() && errno != EEXIST) {
    return base::ErrnoError("the payment table " + path +
                            " cannot be created; make DATA_DIR a folder that can be written to");
  }
  if (!fd_.valid()) {
    auto left = OpenOwn(unfinished, true);
    if (!left.ok() && left.error().code == ENOENT) return finished;
    if (!left.ok()) return left.error();
    fd_ = std::move(left).value();
  }
  auto status = LockAlone(fd_.get(), path, 0);
  if (!status.ok()) return status;
  if (!HasName(fd_.get(), unfinished)) return finished;
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return base::ErrnoError(unfinished);
  if (info.st_nlink > 1) {  // killed between link and unlink: it may hold payments by now
    if (::unlink(unfinished.c_str()) == 0 || errno == ENOENT) return finished;
    return base::ErrnoError("the payment table " + path + ": " + unfinished +
                            " is left from a start that was killed and cannot be removed; make "
                            "DATA_DIR a folder that can be written to");
  }
  status = MakeOwn(fd_.get(), unfinished);
  if (!status.ok()) {
    ::unlink(unfinished.c_str());
    return status;
  }
  header_ = TableHeader{};
  header_.slots = slots;
  header_.table = {RandomNumber(), RandomNumber()};
  if (::ftruncate(fd_.get(), 0) != 0) status = base::ErrnoError("truncate");
  if (status.ok()) status = WriteZeros(fd_.get(), 0, static_cast<off_t>(FileBytes(slots)));
  for (int copy = 0; status.ok() && copy < 2; ++copy) status = WriteHeader(false);
  if (status.ok() && ::fsync(fd_.get()) != 0) status = base::ErrnoError("sync");
  // link does not replace a file that another start has created meanwhile.
  if (status.ok() && ::link(unfinished.c_str(), path.c_str()) != 0) {
    status = base::ErrnoError("link");
  }
  ::unlink(unfinished.c_str());
  if (status.ok()) status = SyncFolderOf(path);
  if (!status.ok()) {
    const base::Error& error = status.error();
    return base::Error{"the payment table " + path + " of " +
                           std::to_string(FileBytes(slots) >> 20U) + " MiB cannot be written (" +
                           error.message + "); free some space or lower TABLE_SLOTS",
                       error.code};
  }
  created_ = true;
  return base::OkStatus();
}

base::Status TableFile::WriteHeader(bool sync) {
  if (!fd_.valid()) return base::OkStatus();
  ++header_.serial;
  header_.checksum = HeaderChecksum(header_, offsetof(TableHeader, checksum));
  // Write the header alone: the live words are behind it in its page, and other threads store into
  // them.
  const auto at = static_cast<off_t>(header_.serial % 2 * kHeaderBytes);
  auto status = WriteAll(fd_.get(), reinterpret_cast<const char*>(&header_), sizeof(header_), at);
  if (status.ok() && sync && ::fdatasync(fd_.get()) != 0) status = base::ErrnoError("sync");
  return status;
}

base::Status TableFile::ReadHeader(const std::string& path, size_t slots_max) {
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return base::ErrnoError(path);
  std::optional<TableHeader> best;
  bool ours = false;
  for (off_t copy = 0; copy < 2; ++copy) {
    TableHeader header;
    const auto at = copy * static_cast<off_t>(kHeaderBytes);
    if (::pread(fd_.get(), &header, sizeof(header), at) != sizeof(header)) continue;
    if (header.magic != TableHeader{}.magic) continue;
    ours = true;
    if (header.version < 1 || header.version > kTableVersion) {
      return base::Error{Foreign(path, "version " + std::to_string(header.version))};
    }
    if (!Understand(header)) continue;
    if (!best || header.serial > best->serial) best = header;
  }
  if (!best) return base::Error{Foreign(path, ours ? "damaged header" : "another kind of file")};
  const bool geometry = best->slot_bytes == sizeof(Slot) && best->slots > 0 &&
                        best->slots <= kSlotsMax &&
                        static_cast<size_t>(info.st_size) == FileBytes(best->slots);
  if (!geometry) return base::Error{Foreign(path, "its size does not fit its header")};
  for (const auto& name : best->names) {
    const std::string_view text(name.data(), ::strnlen(name.data(), name.size()));
    if (!text.empty() && !payments::IsProcessorName(text)) {
      return base::Error{Foreign(path, "it holds a processor name that is not valid")};
    }
  }
  if (best->slots > slots_max) {
    return base::Error{path + " has " + std::to_string(best->slots) + " slots, more than the " +
                           std::to_string(slots_max) + " that are taken over; it was left as it is",
                       EFBIG};
  }
  header_ = *best;
  return base::OkStatus();
}

base::Status TableFile::Map(const std::string& path, bool write) {
  mapped_bytes_ = FileBytes(header_.slots);
  void* const memory = ::mmap(nullptr, mapped_bytes_, write ? PROT_READ | PROT_WRITE : PROT_READ,
                              MAP_SHARED, fd_.get(), 0);
  if (memory == MAP_FAILED) return base::ErrnoError("the payment table " + path + ": mmap");
  mapping_ = memory;
  watch_.emplace(memory, mapped_bytes_, path);
  slots_ = reinterpret_cast<Slot*>(static_cast<char*>(memory) + kSlotsOffset);
  live_ = reinterpret_cast<LiveWords*>(static_cast<char*>(memory) + kLiveWordsAt);
  return base::OkStatus();
}

void TableFile::Remove(const std::string& path) const {
  if (HasName(fd_.get(), path)) ::unlink(path.c_str());
}

int TableFile::Sync() const { return ::fdatasync(fd_.get()) == 0 ? 0 : errno; }

}  // namespace tollgate::table
