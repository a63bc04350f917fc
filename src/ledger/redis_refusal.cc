#include "ledger/redis_refusal.h"

#include <algorithm>
#include <array>
#include <span>

#include "ledger/redis_reply.h"
#include "tollgate/ledger/redis_options.h"

namespace tollgate::ledger {
namespace {

constexpr std::string_view kNotPrimary = "it is not the primary";

bool StartsWithOneOf(std::string_view text, std::span<const std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](std::string_view start) { return text.starts_with(start); });
}

// True if the user may not run a command, or may not run one inside a script. Redis 7.0 and 7.2
// have their own texts for the latter.
bool LacksRights(std::string_view error) {
  static constexpr std::array<std::string_view, 3> kStarts{
      "NOPERM", "ERR The user executing the script can't", "ERR ACL failure in script"};
  return StartsWithOneOf(error, kStarts);
}

}  // namespace

std::string RoleProblem(const redisReply& role) {
  if (role.type == REDIS_REPLY_ERROR) return std::string(TextOf(role));
  if (role.type != REDIS_REPLY_ARRAY || role.elements == 0 ||
      role.element[0]->type != REDIS_REPLY_STRING) {
    return "an answer that ROLE cannot give";
  }
  const std::string_view name = TextOf(*role.element[0]);
  if (name == "master") return {};
  std::string problem = std::string(kNotPrimary) + ", but a ";
  if (name != "slave") return problem += name;
  problem += "replica";
  const bool has_source = role.elements >= 3 && role.element[1]->type == REDIS_REPLY_STRING &&
                          role.element[2]->type == REDIS_REPLY_INTEGER;
  if (!has_source) return problem;
  return (problem += " of ").append(TextOf(*role.element[1])) + ":" +
         std::to_string(role.element[2]->integer);
}

std::string Advice(std::string_view why) {
  static constexpr std::array<std::string_view, 2> kReplica{kNotPrimary, "READONLY"};
  static constexpr std::array<std::string_view, 2> kStranger{"NOAUTH", "WRONGPASS"};
  static constexpr std::array<std::string_view, 4> kUnwell{"OOM", "MISCONF", "NOREPLICAS", "BUSY"};
  if (StartsWithOneOf(why, kReplica)) return "Name the primary in REDIS_SOCKET or REDIS_URL";
  if (StartsWithOneOf(why, kStranger)) return "Check the user and the password in REDIS_URL";
  if (StartsWithOneOf(why, kUnwell)) return "It runs, and refuses to write; its own log says more";
  if (LacksRights(why)) return "Its user needs " + std::string(kRedisRights);
  return "Check that it runs and that REDIS_SOCKET or REDIS_URL names it";
}

bool SaysNotNow(std::string_view error) {
  static constexpr std::array<std::string_view, 14> kKinds{
      "NOSCRIPT",    "LOADING",    "OOM",       "MISCONF", "READONLY", "BUSY", "MASTERDOWN",
      "CLUSTERDOWN", "NOREPLICAS", "UNBLOCKED", "NOAUTH",  "MOVED",    "ASK ", "TRYAGAIN"};
  return StartsWithOneOf(error, kKinds) || LacksRights(error);
}

}  // namespace tollgate::ledger
