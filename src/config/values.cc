#include "config/values.h"

#include <algorithm>

#include "config/urls.h"

namespace tollgate::config {
namespace {

Value ValueOf(const Setting& setting, const std::map<std::string, std::string>& flags,
              const Environment& environment, const ConfigFile& file) {
  if (const auto flag = flags.find(setting.name); flag != flags.end()) {
    return {flag->second, Source::kFlag, "flag " + FlagOf(setting)};
  }
  if (const auto variable = environment(VariableOf(setting))) {
    return {*variable, Source::kEnvironment, "environment " + VariableOf(setting)};
  }
  if (const auto entry = file.values.find(setting.name); entry != file.values.end()) {
    return {entry->second, Source::kFile, "file " + file.path};
  }
  return {setting.default_text, Source::kDefault, "default"};
}

base::Error Wrong(const Setting& setting, const Value& value, const std::string& problem) {
  const bool hidden = setting.kind == SettingKind::kSecret;
  const std::string shown = hidden ? "(hidden)" : "'" + WithoutSecrets(value.text) + "'";
  return base::Error{std::string(setting.name) + ": " + shown + " from " + value.origin + " " +
                     problem};
}

}  // namespace

Values Merge(const std::map<std::string, std::string>& flags, const Environment& environment,
             const ConfigFile& file) {
  Values values;
  for (const Setting& setting : Settings()) {
    values[setting.name] = ValueOf(setting, flags, environment, file);
  }
  return values;
}

base::Status SettleRedis(Values& values) {
  Value& url = values["redis_url"];
  const Value& socket = values["redis_socket"];
  if (url.text.empty()) return base::OkStatus();
  if (socket.source == url.source) {
    return base::Error{"redis_url and redis_socket are both set by " + url.origin + " and " +
                       socket.origin + "; give one of them"};
  }
  if (socket.source > url.source) url.text.clear();
  return base::OkStatus();
}

base::Result<Config> ApplyValues(const Values& values) {
  Config config;
  for (const Setting& setting : Settings()) {
    const Value& value = values.at(setting.name);
    if (const auto problem = setting.apply(config, value.text)) {
      return Wrong(setting, value, *problem);
    }
  }
  config.redis.command_timeout_ms = std::min(
      {config.redis_read_timeout_ms, config.redis_write_timeout_ms, config.redis_pool_timeout_ms});
  return config;
}

}  // namespace tollgate::config
