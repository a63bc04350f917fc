// Files in DATA_DIR, a folder that other users may write to. Opening never waits and never follows
// a link. A file is used only if no other user can have written it.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <string>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"

namespace tollgate::table {

// Opens the regular file at `path` if it belongs to this process' user and is not writable by every
// user. Errors carry errno, or kNotOurs (payment_table.h) for another user's file. Messages say
// what to do.
base::Result<base::UniqueFd> OpenOwn(const std::string& path, bool write);
// Opens any user's regular file read-only, to show what is in it.
base::Result<base::UniqueFd> OpenToShow(const std::string& path);

// Takes the exclusive lock of the process that works on the file; it is held while `fd` is open.
// Another process' exclusive lock fails at once with EWOULDBLOCK. IsLockedByOther holds a shared
// lock for a moment; LockAlone waits for such a lock up to `wait_ms`.
base::Status LockAlone(int fd, const std::string& path, int64_t wait_ms);
bool IsLockedByOther(int fd);

// True if `path` itself, not a link, still names the open file `fd`.
bool HasName(int fd, const std::string& path);
// Makes sure that the file has one name. Removes the name `unfinished`, which an interrupted
// creation leaves. Fails if there are more names: the file may be another instance's table in
// another folder.
base::Status KeepOneName(int fd, const std::string& path, const std::string& unfinished);
// Gives the file to this user alone (mode 600). Fails on a file system that keeps neither owners
// nor modes, because after a restart the file would not be recognised as ours.
base::Status MakeOwn(int fd, const std::string& path);

}  // namespace tollgate::table
