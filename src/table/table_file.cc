#include "table/table_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tollgate/base/assert.h"

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

// Brings a header as it was read to this version; false: it is damaged.
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

// Written, not only reserved: a full disk is an error now and no SIGBUS later.
base::Status WriteZeros(int fd, size_t size) {
  const std::vector<char> zeros(size_t{1} << 20U);
  for (size_t at = 0; at < size; at += zeros.size()) {
    auto status =
        WriteAll(fd, zeros.data(), std::min(zeros.size(), size - at), static_cast<off_t>(at));
    if (!status.ok()) return status;
  }
  return base::OkStatus();
}

// Does `path` still name the open file `fd`?
bool HasName(int fd, const std::string& path) {
  struct stat open_file {};
  struct stat named {};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

// A file's name is on disk only once its folder was synced.
base::Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const base::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) return base::ErrnoError("sync of the folder");
  return base::OkStatus();
}

size_t FileBytes(size_t slots) { return kSlotsOffset + slots * sizeof(Slot); }

base::Error InUse(const std::string& path) {
  return base::Error{"the payment table " + path +
                         " is in use by another instance; give each instance an address or a "
                         "DATA_DIR of its own",
                     EWOULDBLOCK};
}

// Locked for as long as `fd` is open.
base::Status Lock(int fd, const std::string& path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return base::OkStatus();
  if (errno == EWOULDBLOCK) return InUse(path);
  return base::ErrnoError("the payment table " + path + ": lock");
}

std::string Foreign(const std::string& path, const std::string& why) {
  return path + " is not a payment table of this version (" + why +
         "); it was left as it is. Choose another DATA_DIR, or move the file away if it is not "
         "needed";
}

}  // namespace

uint64_t RandomNumber() {
  uint64_t number = 0;
  TG_ASSERT(::getrandom(&number, sizeof(number), 0) == sizeof(number));
  return number;
}

TableFile::~TableFile() {
  if (mapping_ != nullptr) ::munmap(mapping_, mapped_bytes_);
}

base::Status TableFile::Open(const std::string& path, size_t slots, bool write) {
  auto status = OpenFile(path, slots, write);
  if (status.ok()) status = ReadHeader(path);
  return status.ok() ? Map(path, write) : status;
}

base::Status TableFile::OpenFile(const std::string& path, size_t slots, bool write) {
  fd_.reset(::open(path.c_str(), (write ? O_RDWR : O_RDONLY) | O_CLOEXEC));
  if (!fd_.valid() && errno == ENOENT && write) {
    auto status = Create(path, slots);
    // Another start made it at the same moment: it is that one's, as the lock will tell.
    if (!status.ok() && status.error().code == EEXIST) return OpenFile(path, slots, write);
    if (!status.ok()) return status;
  }
  if (!fd_.valid()) {
    return base::ErrnoError("the payment table " + path + " cannot be opened");
  }
  if (write) {
    auto status = Lock(fd_.get(), path);
    if (!status.ok()) return status;
  }
  // Who had adopted it may have finished and removed it before the lock was ours: what is written
  // to a file without a name is gone with this process.
  if (write && !HasName(fd_.get(), path)) return OpenFile(path, slots, write);
  return base::OkStatus();
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

// Made whole under another name, then given its own: nobody ever sees a part of it. Of two that
// start at once one makes it (by its lock, not its process id: in a container that is 1 for both),
// and what a killed start has left is used by the next.
base::Status TableFile::Create(const std::string& path, size_t slots) {
  TG_ASSERT(slots > 0 && slots <= kSlotsMax);
  const std::string unfinished = path + ".new";
  fd_.reset(::open(unfinished.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd_.valid()) {
    return base::ErrnoError("the payment table " + path +
                            " cannot be created; make DATA_DIR a folder that can be written to");
  }
  auto status = Lock(fd_.get(), path);
  if (!status.ok()) return status;
  const base::Error finished{"the payment table " + path + " was made by another instance", EEXIST};
  if (!HasName(fd_.get(), unfinished)) return finished;
  struct stat info {};
  if (::fstat(fd_.get(), &info) != 0) return base::ErrnoError(unfinished);
  if (info.st_nlink > 1) {  // killed between link and unlink: it may hold payments by now
    if (::unlink(unfinished.c_str()) == 0 || errno == ENOENT) return finished;
    return base::ErrnoError("the payment table " + path + ": " + unfinished +
                            " is left from a start that was killed and cannot be removed; make "
                            "DATA_DIR a folder that can be written to");
  }
  header_ = TableHeader{};
  header_.slots = slots;
  header_.table = {RandomNumber(), RandomNumber()};
  if (::ftruncate(fd_.get(), 0) != 0) status = base::ErrnoError("truncate");
  if (status.ok()) status = WriteZeros(fd_.get(), FileBytes(slots));
  for (int copy = 0; status.ok() && copy < 2; ++copy) status = WriteHeader(false);
  if (status.ok() && ::fsync(fd_.get()) != 0) status = base::ErrnoError("sync");
  // link does not replace a file that another start made meanwhile.
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
  // The header alone: behind it in its page stand the live words, which others store into.
  const auto at = static_cast<off_t>(header_.serial % 2 * kHeaderBytes);
  auto status = WriteAll(fd_.get(), reinterpret_cast<const char*>(&header_), sizeof(header_), at);
  if (status.ok() && sync && ::fdatasync(fd_.get()) != 0) status = base::ErrnoError("sync");
  return status;
}

base::Status TableFile::ReadHeader(const std::string& path) {
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
  header_ = *best;
  return base::OkStatus();
}

base::Status TableFile::Map(const std::string& path, bool write) {
  mapped_bytes_ = FileBytes(header_.slots);
  void* const memory = ::mmap(nullptr, mapped_bytes_, write ? PROT_READ | PROT_WRITE : PROT_READ,
                              MAP_SHARED, fd_.get(), 0);
  if (memory == MAP_FAILED) return base::ErrnoError("the payment table " + path + ": mmap");
  mapping_ = memory;
  slots_ = reinterpret_cast<Slot*>(static_cast<char*>(memory) + kSlotsOffset);
  live_ = reinterpret_cast<LiveWords*>(static_cast<char*>(memory) + kLiveWordsAt);
  return base::OkStatus();
}

int TableFile::Sync() const { return ::fdatasync(fd_.get()) == 0 ? 0 : errno; }

}  // namespace tollgate::table
