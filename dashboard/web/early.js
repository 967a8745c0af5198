// Before the page is drawn: the theme that the reader chose, so that nothing flashes. Not a module: those come too late.

'use strict';
try {
    const theme = localStorage.getItem('theme');
    if (theme === 'dark' || theme === 'light') document.documentElement.setAttribute('data-theme', theme);
} catch {
    // No storage: the system's theme it is.
}
