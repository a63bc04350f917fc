#include "tollgate/table/data_folder.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "table/own_file.h"
#include "table/table_file.h"
#include "tollgate/table/payment_table.h"

namespace tollgate::table {
namespace {

constexpr size_t kEntriesMax = 65'536;  // of a folder, per look
constexpr size_t kReportedMax = 1'024;  // paths whose last report is remembered
constexpr size_t kReportsPerLook = 16;  // other users may create files all the time
constexpr std::string_view kExtension = ".table";

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

std::string OurUser() { return "user " + std::to_string(::geteuid()); }

}  // namespace

std::string TableFileName(std::string_view address) {
  std::string name;
  for (const char c : address) name += IsPlain(c) ? c : '_';
  return name + std::string(kExtension);
}

bool IsShared(const std::string& data_dir) {
  struct stat info {};
  if (::stat(data_dir.c_str(), &info) != 0) return false;
  return (info.st_mode & S_IWOTH) != 0 || (info.st_uid != 0 && info.st_uid != ::geteuid());
}

std::string FolderRisk(const std::string& data_dir) {
  struct stat info {};
  if (::stat(data_dir.c_str(), &info) != 0 || !IsShared(data_dir)) return {};
  const std::string advice = "; give DATA_DIR a folder that only " + OurUser() + " may write to";
  if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
    return "data_dir: " + data_dir + " belongs to user " + std::to_string(info.st_uid) +
           ", who can remove payment tables, and the payments in them with it" + advice;
  }
  if ((info.st_mode & S_ISVTX) == 0) {
    return "data_dir: every user may remove and replace the payment tables in " + data_dir +
           ", and accepted payments with them" + advice + ", or at least mode 1777";
  }
  return "data_dir: every user may put files into " + data_dir +
         ": theirs are never used, but they can take the names of tables to come and fill the "
         "disk" +
         advice;
}

FolderListing ListFolder(const std::string& data_dir) {
  FolderListing listing;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(data_dir.c_str()), ::closedir);
  if (folder == nullptr) return listing;
  size_t entries = 0;
  while (const dirent* const entry = ::readdir(folder.get())) {
    if (++entries > kEntriesMax) {
      listing.complete = false;
      break;
    }
    const std::string_view name = entry->d_name;
    if (!name.ends_with(kExtension)) continue;
    if (std::all_of(name.begin(), name.end(), IsPlain)) {
      listing.paths.push_back(data_dir + "/" + std::string(name));
    } else {
      listing.odd_names = true;
    }
  }
  std::sort(listing.paths.begin(), listing.paths.end());
  return listing;
}

std::vector<std::string> ListTables(const std::string& data_dir) {
  return ListFolder(data_dir).paths;
}

TableSight LookAt(const std::string& path) {
  TableSight sight;
  const auto fd = OpenOwn(path, false);
  if (!fd.ok()) {
    if (fd.error().code == ENOENT) return sight;
    sight.state = TableSight::State::kNotUsable;
    sight.problem = fd.error().message;
    return sight;
  }
  struct stat info {};
  if (::fstat(fd.value().get(), &info) != 0) return sight;
  const auto bytes = static_cast<size_t>(std::max<off_t>(info.st_size, kSlotsOffset));
  sight.slots = (bytes - kSlotsOffset) / sizeof(Slot);
  sight.state =
      IsLockedByOther(fd.value().get()) ? TableSight::State::kInUse : TableSight::State::kUnlocked;
  return sight;
}

bool IsLocked(const std::string& path) {
  const auto fd = OpenToShow(path);
  return fd.ok() && IsLockedByOther(fd.value().get());
}

FolderWatch::Found FolderWatch::Look(size_t tables, size_t slots) {
  Found found;
  const FolderListing listing = ListFolder(data_dir_);
  const auto news = [&](const std::string& path, const std::string& text) {
    if (found.news.size() < kReportsPerLook && IsNews(path, text)) found.news.push_back(text);
  };
  std::set<std::string> unlocked;
  for (const std::string& path : listing.paths) {
    const TableSight sight = LookAt(path);
    if (sight.state == TableSight::State::kNotUsable) news(path, sight.problem);
    if (sight.state != TableSight::State::kUnlocked) continue;
    unlocked.insert(path);
    if (kept_.count(path) != 0) continue;
    if (sight.slots > limits_.slots_max) {
      news(path, path + " is not in use and has " + std::to_string(sight.slots) +
                     " slots; this instance adopts at most " + std::to_string(limits_.slots_max) +
                     ". Start an instance with its address again, or raise TABLE_SLOTS here");
    } else if (tables == limits_.tables_max || slots + sight.slots > limits_.slots_max) {
      news(path, path + " is not in use; it waits until those that are adopted now are finished");
    } else {
      ++tables;
      slots += sight.slots;
      found.unlocked.push_back(path);
    }
  }
  std::erase_if(kept_, [&](const std::string& path) { return unlocked.count(path) == 0; });
  // Forget files that are gone. If one comes back, it is reported again.
  std::erase_if(reported_, [&](const auto& reported) {
    return reported.first != data_dir_ &&
           !std::binary_search(listing.paths.begin(), listing.paths.end(), reported.first);
  });
  if (!listing.complete) {
    news(data_dir_, data_dir_ + " holds more than " + std::to_string(kEntriesMax) +
                        " files, so that tables to adopt may be overlooked; clear it");
  } else if (listing.odd_names) {
    news(data_dir_, data_dir_ +
                        " holds *.table files with names that no instance gives; they are left as "
                        "they are");
  }
  return found;
}

bool FolderWatch::IsNews(const std::string& path, const std::string& text) {
  if (reported_.size() >= kReportedMax && reported_.count(path) == 0) return false;
  std::string& reported = reported_[path];
  if (reported == text) return false;
  reported = text;
  return true;
}

}  // namespace tollgate::table
