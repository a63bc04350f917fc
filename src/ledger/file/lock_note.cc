#include "ledger/file/lock_note.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "ledger/packed.h"
#include "tollgate/base/unique_fd.h"

namespace tollgate::ledger::file {
namespace {

constexpr size_t kNoteBytes = 6;  // whether a sync failed 1, state 1, stamp 4

uint64_t WalBytes(const std::string& path) {
  struct stat info {};
  return ::stat((path + "-wal").c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

}  // namespace

LockNote ReadNote(int fd) {
  std::array<char, kNoteBytes> bytes{};
  if (::pread(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return {};
  Unpacker in(std::string_view(bytes.data(), bytes.size()));
  LockNote note{.sync_failed = in.Take<1>() != 0};
  const uint64_t state = in.Take<1>();
  if (state > static_cast<uint64_t>(LockNote::State::kKnown)) return note;
  note.state = static_cast<LockNote::State>(state);
  note.stamp = static_cast<uint32_t>(in.Take<4>());
  return note;
}

bool WriteNote(int fd, const LockNote& note, bool durably) {
  std::string bytes;
  Pack<1>(bytes, note.sync_failed ? 1 : 0);
  Pack<1>(bytes, static_cast<uint64_t>(note.state));
  Pack<4>(bytes, note.stamp);
  if (::pwrite(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return false;
  }
  return !durably || ::fdatasync(fd) == 0;
}

uint32_t StampOf(Database& database) {
  sqlite3_file* file = nullptr;
  if (sqlite3_file_control(database.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file) !=
          SQLITE_OK ||
      file == nullptr || file->pMethods == nullptr) {
    return 0;
  }
  // https://www.sqlite.org/fileformat.html#the_database_header
  constexpr int kUserVersionAt = 60;
  std::array<char, 4> bytes{};
  if (file->pMethods->xRead(file, bytes.data(), bytes.size(), kUserVersionAt) != SQLITE_OK)
    return 0;
  return static_cast<uint32_t>(Unpacker(std::string_view(bytes.data(), bytes.size())).Take<4>());
}

Fit FitOf(const LockNote& note, Database& database, const std::string& path) {
  const uint32_t stamp = StampOf(database);
  if (stamp == 0) return Fit::kSame;
  if (note.state != LockNote::State::kKnown) return Fit::kReplaced;
  if (note.stamp == stamp) return Fit::kSame;
  return WalBytes(path) == 0 ? Fit::kReplaced : Fit::kMixed;
}

bool MayBeRead(Database& database, const std::string& path) {
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    const base::UniqueFd fd(::open((path + ".lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd.valid()) return true;
    const LockNote note = ReadNote(fd.get());
    if (FitOf(note, database, path) != Fit::kMixed) return true;
    if (ReadNote(fd.get()) == note) return false;
  }
  return true;
}

std::string AboutMixed(const std::string& path) {
  return path + " is not the file that " + path +
         "-wal belongs to, as after a backup was put in its place alone: with all gateways "
         "stopped, move the files with -wal and -shm away, and put the backup back alone; or put "
         "the former file back. If the three belong together, because they were copied, remove " +
         path + ".lock";
}

}  // namespace tollgate::ledger::file
