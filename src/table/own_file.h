// Files in DATA_DIR, a folder that other users may write to: what is there is opened without
// waiting, never through a link, and used only if no other user can have written it.
//
// Thread: any.
#pragma once

#include <cstdint>
#include <string>

#include "tollgate/base/result.h"
#include "tollgate/base/unique_fd.h"

namespace tollgate::table {

// Opens the regular file at `path` for this process' user alone: it is that user's own, and not
// every user may write to it. Errors carry errno, or kNotOurs (payment_table.h) for what another
// user has put there; messages say what to do.
base::Result<base::UniqueFd> OpenOwn(const std::string& path, bool write);
// Any user's regular file, to be shown and never to be used.
base::Result<base::UniqueFd> OpenToShow(const std::string& path);

// The lock of who works on it, for as long as `fd` is open. Another one's is told at once, as
// EWOULDBLOCK. Who only looks whether there is one (IsLockedByOther) holds a shared lock for a
// moment: that is waited for, up to `wait_ms`.
base::Status LockAlone(int fd, const std::string& path, int64_t wait_ms);
bool IsLockedByOther(int fd);

// Does `path` still name the open file `fd`, by itself and not through a link?
bool HasName(int fd, const std::string& path);
// One name, its own; that of an unfinished start, `unfinished`, is taken away. A file with further
// names may be another instance's table in a folder of its own.
base::Status KeepOneName(int fd, const std::string& path, const std::string& unfinished);
// For this user alone from now on. Fails on a file system that keeps neither owners nor modes:
// after a restart the file would not be known as ours.
base::Status MakeOwn(int fd, const std::string& path);

}  // namespace tollgate::table
