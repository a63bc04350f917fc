// DATA_DIR from outside: which tables are in it, whether they may be used, and which of them nobody
// works with.
//
// Thread: pure functions any; FolderWatch one.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tollgate::table {

// What others can do to the tables in this folder, and what to do about it; empty: nothing.
std::string FolderRisk(const std::string& data_dir);
// May another user than this process' and root put files there?
bool IsShared(const std::string& data_dir);

struct FolderListing {
  std::vector<std::string> paths;  // of tables by their names, in alphabetical order
  bool complete = true;            // false: more entries than are looked at
  bool odd_names = false;          // some have names that no instance gives; they are left out
};
FolderListing ListFolder(const std::string& data_dir);

struct TableSight {
  enum class State { kInUse, kUnlocked, kGone, kNotUsable };
  State state = State::kGone;
  size_t slots = 0;     // by its size
  std::string problem;  // of kNotUsable: why, and what to do
};
// Opens nothing for work, and waits for nothing.
TableSight LookAt(const std::string& path);

// FolderWatch: finds the tables that nobody works with and that may be adopted, look by look. What
// an operator should know of the others is told once.
//
// Invariants: what a look finds can all be adopted beside what is: it is within `tables_max` and
// `slots_max`.
class FolderWatch {
 public:
  struct Limits {
    size_t tables_max = 0;
    size_t slots_max = 0;  // of all together
  };
  struct Found {
    std::vector<std::string> unlocked;
    std::vector<std::string> news;
  };
  FolderWatch(std::string data_dir, Limits limits)
      : data_dir_(std::move(data_dir)), limits_(limits) {}

  // `tables` with `slots` together are adopted now.
  Found Look(size_t tables, size_t slots);
  // It is finished and stays: it is not found again until somebody has used it or it is gone.
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
