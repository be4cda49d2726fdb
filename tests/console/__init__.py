"""The console's server side against `gwlb serve --data-plane none`, asked as a browser asks; the pages themselves are tested in web/."""
