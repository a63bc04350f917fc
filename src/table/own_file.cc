#include "table/own_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "tollgate/base/backoff.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::table {
namespace {

// Between two tries to lock the file.
constexpr base::BackoffRange kLockPauses{.min_ms = 1, .max_ms = 32};

const char* KindOf(mode_t mode) {
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// The error for a file that is not regular, for any owner.
std::optional<base::Error> OtherKind(const std::string& path, const struct stat& info) {
  if (S_ISREG(info.st_mode)) return std::nullopt;
  return base::Error{path + " is " + KindOf(info.st_mode) +
                         " and no payment table; it was left as it is. Remove it, or choose "
                         "another DATA_DIR",
                     info.st_uid == ::geteuid() ? 0 : kNotOurs};
}

std::optional<base::Error> NotOurs(const std::string& path, const struct stat& info) {
  if (auto error = OtherKind(path, info)) return error;
  const std::string ours = std::to_string(::geteuid());
  if (info.st_uid != ::geteuid()) {
    return base::Error{path + " belongs to user " + std::to_string(info.st_uid) +
                           " and this process runs as user " + ours +
                           ": it was left as it is, and no payment in it is taken over. If it is "
                           "from before this instance changed its user, run `chown " +
                           ours + "` on it; else remove it, or choose a DATA_DIR that only user " +
                           ours + " may write to",
                       kNotOurs};
  }
  if ((info.st_mode & S_IWOTH) != 0) {
    return base::Error{path +
                       " may be written by every user, so its content cannot be trusted; it was "
                       "left as it is. If you trust it, run `chmod 600` on it; else "
                       "move it away"};
  }
  return std::nullopt;
}

base::Result<base::UniqueFd> Open(const std::string& path, int flags,
                                  std::optional<base::Error> (*refuse)(const std::string&,
                                                                       const struct stat&)) {
  // O_NONBLOCK keeps open() from waiting for a FIFO's other end or for a lease holder. The kind of
  // the file is checked separately.
  base::UniqueFd fd(::open(path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  const int code = fd.valid() ? 0 : errno;
  struct stat info {};
  const int known = fd.valid() ? ::fstat(fd.get(), &info) : ::lstat(path.c_str(), &info);
  if (known == 0 && code != ENOENT) {
    if (auto error = refuse(path, info)) return *error;
  }
  if (known == 0 && code == 0) return fd;
  const int why = code != 0 ? code : errno;
  // EWOULDBLOCK means "in use" to the callers; here it is a lease (fcntl(2), F_SETLEASE).
  return base::ErrnoError("the payment table " + path + " cannot be opened",
                          why == EWOULDBLOCK ? EBUSY : why);
}

base::Error InUse(const std::string& path) {
  return base::Error{"the payment table " + path +
                         " is in use by another instance; give each instance an address or a "
                         "DATA_DIR of its own",
                     EWOULDBLOCK};
}

}  // namespace

base::Result<base::UniqueFd> OpenOwn(const std::string& path, bool write) {
  return Open(path, write ? O_RDWR : O_RDONLY, NotOurs);
}

base::Result<base::UniqueFd> OpenToShow(const std::string& path) {
  return Open(path, O_RDONLY, OtherKind);
}

base::Status LockAlone(int fd, const std::string& path, int64_t wait_ms) {
  base::Backoff pauses;
  for (;;) {
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return base::OkStatus();
    if (errno != EWOULDBLOCK) return base::ErrnoError("the payment table " + path + ": lock");
    // If a shared lock succeeds, the other lock is shared too: no process works on the file.
    if (::flock(fd, LOCK_SH | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return InUse(path);
      return base::ErrnoError("the payment table " + path + ": lock");
    }
    ::flock(fd, LOCK_UN);
    if (wait_ms <= 0) break;
    const int64_t pause_ms = pauses.NextMs(kLockPauses);
    ::usleep(static_cast<useconds_t>(pause_ms * 1'000));
    wait_ms -= pause_ms;
  }
  return base::Error{"the payment table " + path +
                         " is held by a shared lock of a process that does not work on it; "
                         "`fuser` names it",
                     EWOULDBLOCK};
}

bool IsLockedByOther(int fd) {
  const bool locked = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (!locked) ::flock(fd, LOCK_UN);
  return locked;
}

bool HasName(int fd, const std::string& path) {
  struct stat open_file {};
  struct stat named {};
  return ::fstat(fd, &open_file) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

base::Status KeepOneName(int fd, const std::string& path, const std::string& unfinished) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return base::ErrnoError(path);
  if (info.st_nlink <= 1) return base::OkStatus();
  if (HasName(fd, unfinished)) ::unlink(unfinished.c_str());
  if (::fstat(fd, &info) != 0) return base::ErrnoError(path);
  if (info.st_nlink <= 1) return base::OkStatus();
  return base::Error{path + " has " + std::to_string(info.st_nlink) +
                     " names (hard links), so it may be the table of another DATA_DIR; it was left "
                     "as it is. Remove the other names, which `find -samefile` shows"};
}

base::Status MakeOwn(int fd, const std::string& path) {
  (void)::fchmod(fd, S_IRUSR | S_IWUSR);  // the result is checked below
  struct stat info {};
  if (::fstat(fd, &info) != 0) return base::ErrnoError(path);
  // Other users may be able to read the file. They must not own it or be able to write to it.
  if (info.st_uid == ::geteuid() && (info.st_mode & S_IWOTH) == 0) return base::OkStatus();
  return base::Error{path + " cannot be kept for user " + std::to_string(::geteuid()) +
                     " alone: its file system gives it to user " + std::to_string(info.st_uid) +
                     " or lets every user write to it. Choose a DATA_DIR elsewhere, or mount that "
                     "one with its uid and umask"};
}

}  // namespace tollgate::table
