#pragma once

#include <string_view>

/// The files of service/page, put into the program at build time.
namespace hwnas::service::assets {

extern const std::string_view page;    ///< page.html
extern const std::string_view style;   ///< the .css files, joined; the charts' from report/
extern const std::string_view script;  ///< the .js files, joined

}  // namespace hwnas::service::assets
