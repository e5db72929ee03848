#pragma once

#include <string_view>

/// The files of report/assets, put into the program at build time by cmake/embed_text.cmake.
namespace hwnas::report::assets {

extern const std::string_view plot_style;  ///< plot.css: colours and marks of charts
extern const std::string_view page_style;  ///< page.css: everything else
extern const std::string_view script;      ///< the .js files, joined

}  // namespace hwnas::report::assets
