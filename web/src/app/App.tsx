import { QueryClientProvider } from '@tanstack/react-query';
import { ConfigProvider, Result } from 'antd';
import en from 'antd/locale/en_US';
import zh from 'antd/locale/zh_CN';
import { useTranslation } from 'react-i18next';
import { createBrowserRouter, Link, Navigate, RouterProvider } from 'react-router';

import { Loading } from '../components/Told';
import { theme } from '../theme';
import { Frame } from './Frame';
import { PAGES } from './pages';
import { queries, useWho } from './session';
import { SignIn } from './SignIn';

const router = createBrowserRouter([
  {
    element: <Frame />,
    children: [
      { path: '/', element: <Navigate to={PAGES[0]!.path} replace /> },
      ...PAGES.map(({ path, Body }) => ({ path, element: <Body /> })),
      { path: '*', element: <NotFound /> },
    ],
  },
]);

export function App() {
  const { i18n } = useTranslation();
  return (
    <ConfigProvider
      theme={theme}
      locale={i18n.language === 'en' ? en : zh}
      button={{ autoInsertSpace: false }}
    >
      <QueryClientProvider client={queries}>
        <Doors />
      </QueryClientProvider>
    </ConfigProvider>
  );
}

/** Nothing is asked of the service before it is known who asks. */
function Doors() {
  const who = useWho();
  if (who === undefined) return <Loading />;
  return who === null ? <SignIn /> : <RouterProvider router={router} />;
}

function NotFound() {
  const { t } = useTranslation();
  return <Result status="404" title={t('app.notFound')} extra={<Link to="/">{t('app.home')}</Link>} />;
}
