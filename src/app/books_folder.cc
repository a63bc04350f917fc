#include "app/books_folder.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>

namespace tollgate::app {

bool IsNetworkFileSystem(int64_t type) {
  constexpr int64_t kCifs = 0xFF534D42;  // not in every linux/magic.h
  constexpr int64_t kSmb2 = 0xFE534D42;
  constexpr int64_t kCeph = 0x00C36400;
  constexpr std::array<int64_t, 8> kTypes{NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, kCifs,
                                          kSmb2,           kCeph,           V9FS_MAGIC,
                                          AFS_SUPER_MAGIC, CODA_SUPER_MAGIC};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

std::string BooksFolderRisk(const std::string& folder) {
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0 || !IsNetworkFileSystem(info.f_type)) return {};
  return "data_dir: " + folder +
         " is on a network file system, whose locks may not hold: with several gateways payments "
         "could be charged twice. Give DATA_DIR a folder on a local disk, or set REDIS_URL";
}

}  // namespace tollgate::app
