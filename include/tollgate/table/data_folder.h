// DATA_DIR from outside: which tables are in it, whether they may be used, and which are not in
// use.
//
// Thread: pure functions any. FolderWatch one.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tollgate::table {

// What others can do to the tables in this folder, and how to prevent it. Empty: nothing.
std::string FolderRisk(const std::string& data_dir);
// True if another user than root and this process's can put files there.
bool IsShared(const std::string& data_dir);

struct FolderListing {
  std::vector<std::string> paths;  // paths named like tables, in alphabetical order
  bool complete = true;            // false: the folder has more entries than are read
  bool odd_names = false;          // some have names that no instance uses; they are left out
};
FolderListing ListFolder(const std::string& data_dir);

struct TableSight {
  enum class State { kInUse, kUnlocked, kGone, kNotUsable };
  State state = State::kGone;
  size_t slots = 0;     // by the file's size
  std::string problem;  // of kNotUsable: the reason, and what to do
};
// Does not lock the table and does not wait.
TableSight LookAt(const std::string& path);

// FolderWatch: repeatedly looks for tables that are not in use and may be adopted. It reports once
// what an operator should know of the others.
//
// Invariants: all tables that a look finds can be adopted besides the present ones, within
// `tables_max` and `slots_max`.
class FolderWatch {
 public:
  struct Limits {
    size_t tables_max = 0;
    size_t slots_max = 0;  // over all adopted tables
  };
  struct Found {
    std::vector<std::string> unlocked;
    std::vector<std::string> news;
  };
  FolderWatch(std::string data_dir, Limits limits)
      : data_dir_(std::move(data_dir)), limits_(limits) {}

  // `tables` with `slots` together are adopted now.
  Found Look(size_t tables, size_t slots);
  // The table is finished but stays. It is not found again until it was used or removed meanwhile.
  void Keep(const std::string& path) { kept_.insert(path); }
  // True once for a path and a text, until the path is gone.
  bool IsNews(const std::string& path, const std::string& text);

 private:
  const std::string data_dir_;
  const Limits limits_;
  std::set<std::string> kept_;
  std::map<std::string, std::string> reported_;  // by path
};

}  // namespace tollgate::table
