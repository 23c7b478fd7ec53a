// Everything a page of Tenfold runs, in one file: no page has a script of its own.
import htmx from 'htmx.org';
import './elements/camera-shots.js';
import './elements/digit-pad.js';
import './elements/drop-zone.js';
import './elements/folder-picker.js';
import './elements/image-grid.js';
import './elements/job-progress.js';
import './elements/live-chart.js';
import './elements/log-tail.js';
import './elements/machine-rail.js';
import './elements/matrix-plot.js';
import './elements/picture-test.js';
import './elements/resize-preview.js';
import './elements/sample-gallery.js';
import './elements/tile-view.js';
import { bindForms } from './forms.js';
import { bindKeys } from './keys.js';
import { bindLive } from './live.js';
import { bindTheme } from './theme.js';
import { bindToasts } from './toast.js';

htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.attributesToSettle = ['class', 'width', 'height']; // a style that a script has set cannot be written as an attribute
htmx.config.historyCacheSize = 0;
htmx.config.selfRequestsOnly = true;
document.addEventListener('htmx:configRequest', (event) => {
  /** @type {CustomEvent} */ (event).detail.headers['X-Tenfold-Request'] = '1';
});
// A form that is not accepted comes back with its errors as 422: show it.
document.addEventListener('htmx:beforeSwap', (event) => {
  const detail = /** @type {CustomEvent} */ (event).detail;
  if (detail.xhr.status === 422) Object.assign(detail, { shouldSwap: true, isError: false });
});

bindTheme();
bindKeys();
bindForms();
bindLive();
bindToasts();
