#include "ledger/file/trouble.h"

namespace tollgate::ledger::file {
namespace {

constexpr int kPrimary = 0xFF;  // of an extended code

}  // namespace

std::string AboutTrouble(const std::string& path, const Database& database) {
  const std::string file = "the books in " + path + " ";
  const std::string kept = ". Payments are kept and nothing is sent meanwhile";
  const std::string why = " (" + database.problem() + ")";
  switch (database.code() & kPrimary) {
    case SQLITE_FULL:
      return file + "do not fit on their disk: make room there" + kept;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return file + "are locked by another program: end it, `fuser " + path + "` names it" + kept;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return file + "cannot be opened for writing" + why +
             ": give this user the rights to the file and its folder" + kept;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return AboutDamage(path, database) + kept;
    case SQLITE_IOERR:
      return file + "cannot be read or written" + why + ": see the kernel's log about their disk" +
             kept;
    default:
      return file + "refuse a change" + why + kept;
  }
}

std::string AboutDamage(const std::string& path, const Database& database) {
  return "the books in " + path + " are damaged (" + database.problem() +
         "): stop all gateways on them, move the file with its -wal and -shm away, and put a "
         "backup in its place; what tables hold is told again";
}

bool IsDamage(int code) {
  const int primary = code & kPrimary;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

bool MayGoOn(int code) {
  const int primary = code & kPrimary;
  return primary == SQLITE_FULL || primary == SQLITE_BUSY || primary == SQLITE_LOCKED;
}

bool IsFailedSync(int code) { return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC; }

}  // namespace tollgate::ledger::file
