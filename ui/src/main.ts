import { host } from '$host';
import { mount } from 'svelte';

import App from './App.svelte';
import { preferredLanguage, setLanguage } from './lib/i18n.svelte';

const target = document.getElementById('app');
if (target === null) throw new Error('index.html has the element that the window is mounted on');

// The language until the host reports the chosen one.
setLanguage(preferredLanguage(navigator.languages));
mount(App, { target, props: { host } });
